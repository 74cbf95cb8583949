// A target network's parameters as the exponential moving average of the trained ones (BYOL, MoCo): one
// launch over a flat buffer. The momentum lies in device memory, so every update launches the same work and
// can be captured as a CUDA graph.
#pragma once

#include "engine/memory/transfer.h"
#include "engine/optim/parameters.h"

namespace engine {

// The part of the flat values of `all` that has the parameters of `part`, in the same order. `all` may have
// more parameters, before or after them. In backward order those of a predictor come before those of its
// input.
Tensor values_of_part(const Parameters& all, const Parameters& part);

class MovingAverage {
 public:
  // Flat tensors of the same size, f32 or f64.
  MovingAverage(const Tensor& values, const Tensor& average);

  void set_momentum(double);  // sends it to the device; the host does not wait
  void update();              // average = m average + (1 - m) values: only launches

 private:
  Tensor values_, average_;
  Upload momentum_;  // f64
  bool has_momentum_ = false;
};

}  // namespace engine
