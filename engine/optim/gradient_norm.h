// The length of the whole gradient, on the device: how a training that explodes, or that has a value which is
// not finite, shows first.
#pragma once

#include "engine/optim/optimizer.h"

namespace engine {

class GradientNorm {
 public:
  explicit GradientNorm(const FlatParameters&);

  // Only launches, the same each time. The square of the norm, a scalar whose memory the next call writes
  // again; not finite if an element is not.
  const Tensor& operator()() const;

 private:
  FlatParameters parameters_;
  Tensor table_, partials_, workspace_, square_;
};

}  // namespace engine
