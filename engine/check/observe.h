// Looks over the shoulder of a forward and a backward pass: every op's output and its gradient, one by one.
#pragma once

#include "engine/tape.h"

namespace engine {

class Observer {
 public:
  virtual ~Observer() = default;
  // After an op; `node`: of the output, null if it has no history.
  virtual void output(const char* op, const Tensor& y, const Tensors& inputs, const Node* node) = 0;
  // Before the gradient goes through the op: that of its output.
  virtual void gradient(const Node& node, const Tensor& dy) = 0;
};

// While one lives, the ops of this thread tell the observer.
class Observed {
 public:
  explicit Observed(Observer&);
  ~Observed();
  Observed(const Observed&) = delete;
  Observed& operator=(const Observed&) = delete;

 private:
  Observer* before_;
};

}  // namespace engine
