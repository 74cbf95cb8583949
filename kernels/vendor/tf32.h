// Whether vendor libraries on the CUDA device may round f32 factors to TF32 (10 bits after the point), which
// tensor cores multiply.
#pragma once

#include <cstdlib>
#include <cstring>

namespace kernels {

// No, unless DYAD_TF32=on when it is first asked.
inline bool tf32_allowed() {
  static const bool allowed = [] {
    const char* text = std::getenv("DYAD_TF32");
    return text != nullptr && std::strcmp(text, "on") == 0;
  }();
  return allowed;
}

}  // namespace kernels
