// Less memory for the backward pass: what it needs is computed again instead of kept. Results keep their
// bits, since the same kernels run on the same values.
//
// There are two ways. computed_again(y, f): ops that save y keep f instead, which computes y from tensors
// that are kept anyway. recomputed(x, f): of all that the ops inside f save, only x is kept. The first of
// their backward passes that needs something runs f again (Chen et al. 2016, "Training Deep Nets with
// Sublinear Memory Cost"). Regions may lie in each other: then the inner ones run twice again.
#pragma once

#include <functional>
#include <memory>

#include "engine/tensor.h"

namespace engine {

// What the backward pass of an op needs of a tensor. An op that captures a Saved in place of the tensor takes
// part in recomputation; one that captures the tensor keeps it. Every run of an op must make the same Saved
// in the same order, whether or not it records.
class Saved {
 public:
  Saved() = default;
  Saved(const Tensor&);  // NOLINT: implicit, for use in argument lists
  bool defined() const;
  // The tensor, without history. Made again if it was not kept; it is then held until the last op that saved
  // it has let go of it.
  Tensor get() const;

 private:
  friend class Region;
  struct Slot;
  Tensor kept_;                   // or, if that is not defined:
  std::shared_ptr<Again> again_;  // what makes it
  std::shared_ptr<Slot> slot_;    // its place in a region
};

// y, which `again` can make a second time. `again` may hold a Saved, but no tensor that depends on y.
Tensor computed_again(const Tensor& y, std::function<Tensor()> again);

// f(x). f is kept and runs again during backward: it must not refer to anything that is gone by then.
Tensor recomputed(const Tensor& x, std::function<Tensor(const Tensor&)> f);

// The result of f, which runs in the first pass of a region only: for small tensors whose computation has
// effects, such as batch statistics, which are exchanged between ranks and added to running statistics.
Tensors once(const std::function<Tensors()>& f);

}  // namespace engine
