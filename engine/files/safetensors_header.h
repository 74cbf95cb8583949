// The header of a safetensors file: read and checked before any tensor is.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/files/safetensors.h"

namespace engine {

constexpr std::uint64_t max_safetensors_header = 100'000'000;  // the reference's limit

struct SafetensorsHeader {
  std::vector<TensorEntry> entries;  // in the order of their bytes
  std::map<std::string, std::string> metadata;
};

// `file` is the prefix of error messages; data_bytes: the number of bytes after the header.
SafetensorsHeader parse_safetensors_header(const std::string& text, std::uint64_t data_bytes,
                                           const std::string& file);

const char* safetensors_name(DType);

}  // namespace engine
