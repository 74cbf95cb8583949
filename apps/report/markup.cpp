#include "apps/report/markup.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace apps {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) < 32 && c != '\n')
      out += ' ';
    else
      out += c;
  }
  return out;
}

std::string base64(const std::string& bytes) {
  static const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) {
      return i + k < bytes.size() ? std::uint32_t(static_cast<unsigned char>(bytes[i + k])) : 0;
    };
    const std::uint32_t three = byte(0) << 16 | byte(1) << 8 | byte(2);
    out += digits[three >> 18];
    out += digits[three >> 12 & 63];
    out += i + 1 < bytes.size() ? digits[three >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? digits[three & 63] : '=';
  }
  return out;
}

std::string data_uri(const std::string& png) { return "data:image/png;base64," + base64(png); }

std::string compact(double value) {
  if (!std::isfinite(value)) return "not finite";
  char text[40];
  if (std::abs(value) < 1000) {
    std::snprintf(text, sizeof text, "%.4g", value);
    return std::strcmp(text, "-0") == 0 ? "0" : text;  // the compiler may ignore the sign of zero
  }
  if (std::abs(value) >= 1e9) {
    std::snprintf(text, sizeof text, "%.3g", value);
    return text;
  }
  std::snprintf(text, sizeof text, "%ld", std::lround(value));
  std::string out = text;
  for (std::ptrdiff_t i = std::ptrdiff_t(out.size()) - 3; i > (value < 0 ? 1 : 0); i -= 3)
    out.insert(std::size_t(i), ",");
  return out;
}

}  // namespace apps
