// Reverse-mode differentiation: a tape of closures. backward() runs them from the newest to the oldest.
//
// An op ends with
//   return record("name", y, {inputs}, [=](const Tensor& dy, Gradients& out) { ... });
// It must write the gradient of each input that is wanted. The closure asks `out` where the gradient of each
// input goes, and whether to overwrite it or to add to it. This way an op adds to a gradient that another op
// has written, without a second pass.
#pragma once

#include <functional>

#include "engine/tensor.h"

namespace engine {

class Gradients;
using Backward = std::function<void(const Tensor& dy, Gradients& out)>;

// The memory that a closure writes one gradient to.
struct Destination {
  Tensor tensor;            // has the input's shape and dtype
  bool accumulate = false;  // true: add to the tensor; false: overwrite it
};

// The gradients of one op's inputs, in the order in which record() was given them.
class Gradients {
 public:
  explicit Gradients(Node& node) : node_(node) {}
  bool wanted(int input) const;           // false: this gradient is not needed
  Destination destination(int input);     // the closure must write to it
  void give(int input, const Tensor& g);  // the gradient is `g` itself, which must not be written to any more
  // Memory for a result like dy, the closure's argument: dy's own if nothing else has it. An op may overwrite
  // it when it has read dy for the last time.
  Tensor in_place_of(const Tensor& dy) const;

 private:
  Node& input(int) const;  // std::invalid_argument if the op has no such input, or if it is not wanted
  Node& node_;
};

struct Node {
  const char* op = "leaf";
  std::uint64_t age = 0;                      // increases with each node, so no topological sort is needed
  std::vector<std::shared_ptr<Node>> inputs;  // null where an input needs no gradient
  Backward backward;                          // empty for leaves
  Shape shape{};                              // of the tensor, and so of its gradient
  DType dtype = DType::f32;
  Device device;
  Tensor gradient;        // of a leaf: kept after backward(), may be a slice of a flat buffer; else temporary
  bool written = false;   // leaf: the gradient holds a value (of this step or an earlier backward)
  bool queued = false;    // not a leaf: backward() has queued the node, or has run it
  bool borrowed = false;  // the gradient came from give(): copy it before writing to it
  bool freed = false;     // not a leaf: backward() has run it, and its closure is gone

  Node() = default;
  ~Node();  // of a long chain without recursion
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
};

// Marks a tensor whose gradient is wanted: a parameter, or an input of gradcheck. backward() writes the
// gradient to `gradient` if that is defined.
Tensor leaf(const Tensor&, const Tensor& gradient = {});

// Returns `output` with a node. `output` itself has no node, so `backward` may capture it. Inside NoGrad, or
// if no input has a node, returns `output` unchanged.
Tensor record(const char* op, const Tensor& output, const Tensors& inputs, Backward backward);

// Called with a leaf as soon as its gradient is complete.
using LeafDone = std::function<void(const Node&)>;

// Adds d(output . d_output)/d(leaf) to the gradient of every leaf that `output` depends on, and frees the
// graph. The gradient of a leaf is overwritten instead if clear_gradient() was called on it.
void backward(const Tensor& output, const Tensor& d_output, const LeafDone& = {});
void backward(const Tensor& loss, const LeafDone& = {});  // one element; from dL/dL = 1

const Tensor& gradient(const Tensor& leaf);  // undefined before the first backward
bool has_gradient(const Tensor& leaf);       // backward has written to it since clear_gradient()
void clear_gradient(const Tensor& leaf);     // the next backward overwrites

// Ops record nothing during its lifetime.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};
bool grad_enabled();

}  // namespace engine
