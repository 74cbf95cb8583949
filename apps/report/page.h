// A page: a template with marks, one of which is the JSON object that its script draws.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace apps {

// The template with a text in place of each {{mark}}; the marks are in the template's order.
std::string filled(const std::string& page, const std::vector<std::pair<std::string, std::string>>& marks);

// JSON that may stand in a script element. Bytes that are not UTF-8 become U+FFFD, numbers that are not
// finite null.
std::string script_safe(const nlohmann::ordered_json&);

}  // namespace apps
