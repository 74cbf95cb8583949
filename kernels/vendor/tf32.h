// Whether vendor libraries on the CUDA device may round f32 factors to TF32 (10 mantissa bits), which tensor
// cores multiply.
#pragma once

#include <cstdlib>
#include <cstring>

namespace kernels {

// True if DYAD_TF32=on at the first call.
inline bool tf32_allowed() {
  static const bool allowed = [] {
    const char* text = std::getenv("DYAD_TF32");
    return text != nullptr && std::strcmp(text, "on") == 0;
  }();
  return allowed;
}

}  // namespace kernels
