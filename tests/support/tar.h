// Makes small tar archives.
#pragma once

#include <cstdio>
#include <string>

// One member: a ustar header with the right checksum, and the content, padded to blocks.
inline std::string tar_member(const std::string& name, const std::string& content, char type = '0') {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  const auto octal = [&](std::size_t at, std::size_t digits, unsigned long value) {
    char text[24];
    std::snprintf(text, sizeof text, "%0*lo", int(digits), value);
    header.replace(at, digits, text, digits);
  };
  octal(100, 7, 0644);
  octal(124, 11, content.size());
  header[156] = type;
  header.replace(257, 8,
                 std::string("ustar\0"
                             "00",
                             8));
  header.replace(148, 8, 8, ' ');
  unsigned long sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  octal(148, 6, sum);
  header[154] = '\0';  // and then a space
  return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

inline std::string tar_end() { return std::string(1024, '\0'); }
