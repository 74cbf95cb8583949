#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace apps {

// JSON's text; indent -1: one line. Names and values may hold any bytes: those that are not UTF-8 become \xNN
// (engine::as_utf8), where the library would throw after all the work.
std::string json_text(const nlohmann::ordered_json&, int indent = -1);

// The same with all texts as people may see them (engine::shown), for pages.
nlohmann::ordered_json with_shown_texts(const nlohmann::ordered_json&);

}  // namespace apps
