// NumPy's .npy: one array in one file (numpy.lib.format, version 1.0).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/tensor.h"

namespace engine {

// Writes atomically. Every dtype but bf16, which NumPy lacks.
void write_npy(const std::string& path, const Tensor&);

// The bytes before an array's elements. type: NumPy's word, "<f4".
std::string npy_header(const std::string& type, const Shape&);
const char* npy_type(DType);  // "<f4"; UsageError for bf16

// What a file's first bytes say of its array.
struct NpyHeader {
  std::string type;  // "<f4", "<f2", "|u1" ...
  Shape shape{};
  std::uint64_t data = 0;  // where the elements begin
};
// Of a whole file, versions 1.0 to 3.0. DataError, which begins with `file`, if the header is none of
// NumPy's, if the array is in Fortran's order, not of numbers or of more than four extents, or if the file
// has not just the bytes that the array needs.
NpyHeader parse_npy(std::string_view bytes, const std::string& file);

}  // namespace engine
