// The options of the methods. The command line reads them (apps/options), and a method takes them as they
// are.
#pragma once

#include <set>
#include <string>

namespace models {

struct MethodOptions {
  std::string method = "simclr";  // one of method_names()
  double tau = 0.5;               // temperature of a contrastive loss
};

// The values of --method. Each method adds its own: AddMethod, models/methods/methods.h.
std::set<std::string>& method_names();

}  // namespace models
