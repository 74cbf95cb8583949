// Observes a forward and a backward pass: every op's output, and the gradient of each.
#pragma once

#include "engine/tape.h"

namespace engine {

class OpObserver {
 public:
  virtual ~OpObserver() = default;
  // Called after an op. `node`: the output's node, null if no gradient flows through it.
  virtual void output(const char* op, const Tensor& y, const Tensors& inputs, const Node* node) = 0;
  // Called before an op's backward with the gradient of its output.
  virtual void gradient(const Node& node, const Tensor& dy) = 0;
};

// The ops of this thread call the observer during the lifetime of an Observed.
class Observed {
 public:
  explicit Observed(OpObserver&);
  ~Observed();
  Observed(const Observed&) = delete;
  Observed& operator=(const Observed&) = delete;

 private:
  OpObserver* before_;
};

}  // namespace engine
