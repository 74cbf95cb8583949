// What gradcheck and bench ops are asked for: which cards, with which threads.
#pragma once

#include <regex>
#include <string>
#include <vector>

#include "engine/check/op_case.h"

namespace apps {

// UsageError for what is no regular expression.
std::regex expression_of(const std::string& flag, const std::string& text);

// The cards whose names match, by name. UsageError for what is no regular expression or matches none.
std::vector<const engine::OpCase*> chosen_ops(const std::string& expression);

void use_threads(const std::string& threads);  // of the CPU device: "host" or "gpu"

}  // namespace apps
