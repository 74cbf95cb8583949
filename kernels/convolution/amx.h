// Where oneDNN's direct convolution pays in bf16 on a CPU with AMX. docs/kernels/convolution.md has the
// figures.
#pragma once

#include "kernels/base/convolution_shape.h"
#ifdef DYAD_ONEDNN
#include "kernels/vendor/onednn.h"
#endif

namespace kernels {

inline bool cpu_has_amx() {
#ifdef DYAD_ONEDNN
  static const bool has = onednn::has_amx();
  return has;
#else
  return false;
#endif
}

// It reorders the filter in each call, so each of the filter's values should meet many pixels; those of a
// weight gradient are also summed over the parts of the images.
inline bool direct_pays_with_amx(const ConvolutionShape& s, Pass pass) {
  const std::int64_t pixels = s.n * s.p() * s.q(), depth = s.r * s.s * s.c;
  return pass == Pass::backward_weights ? 10 * pixels >= s.k * depth : pixels >= depth;
}

}  // namespace kernels
