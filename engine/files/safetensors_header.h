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

// A tensor as the file has it. type: the format's word for the elements, which may be F16, that is no DType.
struct StoredTensor {
  std::string name, type;
  Shape shape{};
  std::uint64_t begin = 0, end = 0;  // in the bytes after the header
};
struct SafetensorsLayout {
  std::vector<StoredTensor> tensors;  // in the order of their bytes
  std::map<std::string, std::string> metadata;
};
// The same with F16.
SafetensorsLayout parse_safetensors_layout(const std::string& text, std::uint64_t data_bytes,
                                           const std::string& file);

// The first bytes of a file with these tensors: the header's length, and the header, which is padded with
// spaces. std::invalid_argument, which begins with `file`, if two tensors have one name, or if there are too
// many for a header.
std::string safetensors_header_bytes(const SafetensorsLayout&, const std::string& file);

// The length that the first eight bytes of a file of `size` bytes declare for its header. DataError if the
// file can't have such a header.
std::uint64_t safetensors_header_length(const void* eight_bytes, std::uint64_t size, const std::string& file);

const char* safetensors_name(DType);
std::size_t stored_size_of(const std::string& type);  // bytes of an element: 2 for "F16"

}  // namespace engine
