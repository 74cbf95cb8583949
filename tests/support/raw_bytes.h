// Helpers to assemble files by hand that no library would write.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

inline std::string big_endian(std::uint32_t v, int bytes = 4) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += char(v >> 8 * i);
  return text;
}

// PNG's checksum of a chunk's type and data.
inline std::uint32_t crc32(const std::string& bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320U : 0);
  }
  return ~crc;
}

// A safetensors file that declares a header of `length` bytes, followed by `rest`.
inline std::string safetensors_of_length(std::uint64_t length, const std::string& rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + rest;
}
inline std::string safetensors_file(const std::string& header, const std::string& data = "") {
  return safetensors_of_length(header.size(), header + data);
}
