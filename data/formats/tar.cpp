#include "data/formats/tar.h"

#include <charconv>
#include <cstring>
#include <optional>

#include "data/files.h"
#include "engine/error.h"
#include "engine/escape.h"

namespace data {

using engine::require_data;

namespace {

constexpr std::uint64_t tar_block = 512, most_name_bytes = 1 << 20;

// A field of a header: text up to its first zero.
std::string_view field(std::string_view header, std::size_t at, std::size_t bytes) {
  const std::string_view all = header.substr(at, bytes);
  return all.substr(0, all.find('\0'));
}

// Octal digits, or GNU's binary numbers; none if it is no number.
std::optional<std::uint64_t> number(std::string_view header, std::size_t at, std::size_t bytes) {
  const std::string_view raw = header.substr(at, bytes);
  std::uint64_t value = 0;
  if ((raw[0] & 0x80) != 0) {
    if (raw[0] != char(0x80)) return {};  // negative, or beyond 64 bits
    for (std::size_t i = 1; i < raw.size(); ++i) {
      if (value >> 55 != 0) return {};
      value = value << 8 | static_cast<unsigned char>(raw[i]);
    }
    return value;
  }
  std::string_view digits = field(header, at, bytes);
  digits = digits.substr(std::min(digits.size(), digits.find_first_not_of(' ')));
  digits = digits.substr(0, digits.find(' '));
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
  return digits.empty() || (end.ec == std::errc() && end.ptr == digits.data() + digits.size())
             ? std::optional(value)
             : std::nullopt;
}

bool right_checksum(std::string_view header) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < header.size(); ++i)
    sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header[i]);
  return number(header, 148, 8) == sum;
}

std::string ustar_name(std::string_view header) {
  const std::string name(field(header, 0, 100)), prefix(field(header, 345, 155));
  const bool ustar =
      header.substr(257, 6) == std::string_view("ustar\0", 6);  // GNU's old format has no prefix
  return ustar && !prefix.empty() ? prefix + "/" + name : name;
}

// What a pax header says of the next file.
struct PaxNotes {
  std::optional<std::string> path;
  std::optional<std::uint64_t> size;
  bool sparse = false;
};

// Records of "LENGTH KEY=VALUE\n"; false if one is not like that.
bool read_pax(std::string_view text, PaxNotes& notes) {
  while (!text.empty() && text[0] != '\0') {
    std::size_t length = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), length);
    const auto digits = std::size_t(end.ptr - text.data());
    if (end.ec != std::errc() || length > text.size() || length < digits + 3 || text[digits] != ' ' ||
        text[length - 1] != '\n')
      return false;
    const std::string_view record = text.substr(digits + 1, length - digits - 2);
    const std::size_t equals = record.find('=');
    if (equals == record.npos) return false;
    const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (key == "path") notes.path = std::string(value);
    if (key.starts_with("GNU.sparse")) notes.sparse = true;
    if (key == "size") {
      std::uint64_t size = 0;
      const auto read = std::from_chars(value.data(), value.data() + value.size(), size);
      if (read.ec != std::errc() || read.ptr != value.data() + value.size()) return false;
      notes.size = size;
    }
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::vector<TarEntry> tar_entries(std::string_view archive, const std::string& file) {
  std::vector<TarEntry> entries;
  PaxNotes notes;
  const auto fail = [&](std::uint64_t at, auto... what) {
    require_data(false, file, ": the header at byte ", with_commas(at), " ", what...);
  };
  for (std::uint64_t at = 0; at < archive.size();) {
    if (archive.size() - at < tar_block)
      fail(at, "has ", archive.size() - at, " bytes, expected 512: the archive was cut");
    const std::string_view header = archive.substr(std::size_t(at), tar_block);
    if (header.find_first_not_of('\0') == header.npos) break;  // its end
    if (!right_checksum(header)) fail(at, "has a wrong checksum, expected a tar archive: it is damaged");
    const char type = header[156];
    const bool is_pax = type == 'x' || type == 'g', is_name = type == 'L' || type == 'K';
    const bool is_file = type == '0' || type == '\0' || type == '7',
               has_content = is_file || is_pax || is_name;
    const auto declared = number(header, 124, 12);
    if (!declared) fail(at, "has a size that is no number, expected octal digits");
    const std::uint64_t bytes = !has_content ? 0 : is_file && notes.size ? *notes.size : *declared;
    const std::uint64_t begin = at + tar_block;
    if (bytes > archive.size() - begin)
      fail(at, "declares ", with_commas(bytes), " bytes, expected at most ",
           with_commas(archive.size() - begin), ": the archive was cut");
    const std::string_view content = archive.substr(std::size_t(begin), std::size_t(bytes));
    at = begin + std::min(archive.size() - begin, (bytes + tar_block - 1) / tar_block * tar_block);
    if (is_pax || is_name) {
      if (bytes > most_name_bytes)
        fail(begin - tar_block, "declares ", with_commas(bytes), " bytes of names, expected at most 1 MiB");
      if (type == 'x' && !read_pax(content, notes))
        fail(begin - tar_block, "has records that can't be read, expected LENGTH KEY=VALUE");
      if (type == 'L') notes.path = std::string(content.substr(0, content.find('\0')));
      continue;
    }
    if (type == 'S' || notes.sparse) fail(begin - tar_block, "is of a sparse file, expected whole files");
    if (is_file) entries.push_back({notes.path ? *notes.path : ustar_name(header), begin, bytes});
    notes = {};
  }
  return entries;
}

}  // namespace data
