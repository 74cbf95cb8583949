// Images and the views to make of them, in a safetensors file (docs/oracle.md).
#pragma once

#include <string>

#include "engine/tensor.h"

namespace data {

struct ViewFile {
  engine::Tensor pixels;  // (bytes) u8
  engine::Tensor views;   // (N,72) u8: kernels::View
};

// DataError if a tensor is missing or of another type, or if a view of size x size pixels can't be made.
ViewFile read_view_file(const std::string& path, int size);

}  // namespace data
