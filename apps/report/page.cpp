#include "apps/report/page.h"

#include "apps/system/json_text.h"
#include "engine/error.h"

namespace apps {

std::string filled(const std::string& page, const std::vector<std::pair<std::string, std::string>>& marks) {
  std::string html, rest = page;
  for (const auto& [mark, text] : marks) {
    const auto at = rest.find("{{" + mark + "}}");
    engine::require(at != std::string::npos, "the page's template has no {{", mark, "}}");
    html += rest.substr(0, at) + text;
    rest.erase(0, at + mark.size() + 4);
  }
  return html + rest;
}

std::string script_safe(const nlohmann::ordered_json& data) {
  std::string out;
  for (const char c : json_text(with_shown_texts(data)))
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  return out;
}

}  // namespace apps
