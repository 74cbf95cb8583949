// Helpers for HTML and SVG.
#pragma once

#include <string>

namespace apps {

std::string escaped(const std::string& text);  // for text and attributes
std::string base64(const std::string& bytes);
std::string data_uri(const std::string& png);  // of a PNG's bytes
std::string compact(double value);             // about four digits: "0.0123", "1,234"

}  // namespace apps
