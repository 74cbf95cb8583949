// The L2 norm of the whole gradient, on the device. It is the first sign of an exploding training or of a
// value that is not finite.
#pragma once

#include "engine/optim/optimizer.h"

namespace engine {

class GradientNorm {
 public:
  explicit GradientNorm(const FlatParameters&);

  // Returns the square of the norm, a scalar in memory that the next call overwrites. It is not finite if an
  // element of the gradient is not. Only launches kernels, the same at each call.
  const Tensor& operator()() const;

 private:
  FlatParameters parameters_;
  Tensor table_, partials_, workspace_, square_;
};

}  // namespace engine
