// Bytes from outside (names of files and classes, metadata, errors that quote them) as text: valid UTF-8 on
// one line, without characters that change what a terminal or a reader sees. What is not such text becomes
// \xNN.
//
// Escaped are bytes that are not UTF-8 (RFC 3629), control characters (C0, DEL, C1), and what changes the
// direction of text or ends a line (U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069).
#pragma once

#include <string>
#include <string_view>

namespace engine {

// To be read by people. Twice is the same as once.
std::string shown(std::string_view bytes);

// The same for names that are used again: a backslash that would look like an escape is escaped too, so that
// restored(escaped(bytes)) is `bytes`, and different names stay different.
std::string escaped(std::string_view bytes);
std::string restored(std::string_view text);

// Only bytes that are not UTF-8 become \xNN: for formats that have escapes of their own, as JSON.
std::string as_utf8(std::string_view bytes);

}  // namespace engine
