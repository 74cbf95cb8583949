// safetensors: named tensors and text in one file (github.com/huggingface/safetensors). Eight bytes with the
// header's length, the header in JSON, and the tensors' bytes.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/tensor.h"

namespace engine {

struct TensorFile {
  std::vector<std::pair<std::string, Tensor>> tensors;
  std::map<std::string, std::string> metadata;
};

// Atomic; the same tensors and metadata give the same bytes, in whatever order they come. Tensors are laid as
// the reference lays them: large elements first, then by name. Names must differ.
void write_safetensors(const std::string& path, const TensorFile&);

// Strict: a file that breaks any rule of the format is a DataError that names the file, the rule and the
// tensor. Nothing is allocated for what a header claims before the claim has been checked. Tensors come in
// the order of their bytes, on the host. Of the format's types it reads F32, F64, BF16, U8, I32 and I64, up
// to rank 4.
TensorFile read_safetensors(const std::string& path);

}  // namespace engine
