// safetensors: named tensors and text in one file (github.com/huggingface/safetensors). Eight bytes with the
// header's length, the header in JSON, and the tensors' bytes.
#pragma once

#include <cstdint>
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

// Writes atomically. The bytes depend on the tensors and the metadata, not on their order in TensorFile.
// Tensors are ordered as in the reference implementation: large elements first, then by name. Names must
// differ.
void write_safetensors(const std::string& path, const TensorFile&);

struct TensorEntry {
  std::string name;
  DType dtype = DType::f32;
  Shape shape{};
  std::uint64_t begin = 0, end = 0;  // in the bytes after the header
};

// A strict reader: a file that breaks a rule of the format is a DataError that names the file, the rule and
// the tensor. A file that can't be opened or read is an UnusableFile. No memory is allocated for a size in
// the header before that size has been checked. It reads the types F32, F64, BF16, U8, I32 and I64, up to
// rank 4.
class SafetensorsReader {
 public:
  explicit SafetensorsReader(const std::string& path);  // reads and checks the header
  ~SafetensorsReader();
  SafetensorsReader(const SafetensorsReader&) = delete;
  SafetensorsReader& operator=(const SafetensorsReader&) = delete;

  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::vector<TensorEntry>& entries() const { return entries_; }  // in the order of their bytes
  const TensorEntry* find(const std::string& name) const;               // null if there is none
  void read(const TensorEntry&, void* to) const;                        // end - begin bytes
  // The tensor of this name, which has the dtype and the shape of `to`, on any device; else a DataError.
  void read(const std::string& name, const Tensor& to) const;

 private:
  void read_at(std::uint64_t offset, void* to, std::size_t bytes) const;

  std::string path_;
  int file_;
  std::uint64_t data_ = 0;  // where the tensors' bytes begin
  std::map<std::string, std::string> metadata_;
  std::vector<TensorEntry> entries_;
};

// Reads the whole file. The tensors are on the host, in the order of their bytes.
TensorFile read_safetensors(const std::string& path);

}  // namespace engine
