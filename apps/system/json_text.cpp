#include "apps/system/json_text.h"

#include "engine/escape.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

using Escape = std::string (*)(std::string_view);

ordered_json with_texts(const ordered_json& json, Escape escape) {
  if (json.is_string()) return escape(json.get_ref<const std::string&>());
  if (!json.is_structured()) return json;
  ordered_json copy = json.is_array() ? ordered_json::array() : ordered_json::object();
  for (const auto& [key, value] : json.items()) {
    if (json.is_array())
      copy.push_back(with_texts(value, escape));
    else
      copy[escape(key)] = with_texts(value, escape);
  }
  return copy;
}

}  // namespace

std::string json_text(const ordered_json& json, int indent) {
  try {
    return json.dump(indent);
  } catch (const ordered_json::type_error&) {  // it is rare, so that the common case is not copied
    return with_texts(json, engine::as_utf8).dump(indent);
  }
}

ordered_json with_shown_texts(const ordered_json& json) { return with_texts(json, engine::shown); }

}  // namespace apps
