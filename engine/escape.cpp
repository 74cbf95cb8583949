#include "engine/escape.h"

#include <cstddef>
#include <cstdint>

namespace engine {
namespace {

struct Character {
  std::size_t bytes = 0;  // 0: the first byte begins no valid sequence
  std::uint32_t code = 0;
};

// RFC 3629, section 4: no overlong forms, no surrogates, nothing above U+10FFFF.
Character first_of(std::string_view text) {
  const auto at = [&](std::size_t i) { return std::uint32_t(static_cast<unsigned char>(text[i])); };
  const std::uint32_t lead = at(0);
  if (lead < 0x80) return {1, lead};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  std::uint32_t code = lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((at(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (at(i) & 0x3f);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return {};
  return {bytes, code};
}

bool is_hidden(std::uint32_t code) {  // it acts instead of being seen
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c || code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// "\x1b" at this place
bool is_escape(std::string_view text) {
  return text.size() >= 4 && text[0] == '\\' && text[1] == 'x' && hex_value(text[2]) >= 0 &&
         hex_value(text[3]) >= 0;
}

template <class IsEscaped>
std::string escape(std::string_view bytes, IsEscaped is_escaped) {
  static constexpr const char* digits = "0123456789abcdef";
  std::string text;
  while (!bytes.empty()) {
    const Character c = first_of(bytes);
    const std::size_t length = c.bytes == 0 ? 1 : c.bytes;
    const bool hide = c.bytes == 0 || is_escaped(c.code, bytes);
    for (const char byte : bytes.substr(0, length)) {
      const auto value = static_cast<unsigned char>(byte);
      if (hide)
        text += {'\\', 'x', digits[value >> 4], digits[value & 15]};
      else
        text += byte;
    }
    bytes.remove_prefix(length);
  }
  return text;
}

}  // namespace

std::string shown(std::string_view bytes) {
  return escape(bytes, [](std::uint32_t code, std::string_view) { return is_hidden(code); });
}

std::string escaped(std::string_view bytes) {
  return escape(bytes,
                [](std::uint32_t code, std::string_view here) { return is_hidden(code) || is_escape(here); });
}

std::string restored(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const bool escape = is_escape(text);
    bytes += escape ? char(hex_value(text[2]) * 16 + hex_value(text[3])) : text[0];
    text.remove_prefix(escape ? 4 : 1);
  }
  return bytes;
}

std::string as_utf8(std::string_view bytes) {
  return escape(bytes, [](std::uint32_t, std::string_view) { return false; });
}

}  // namespace engine
