// Reverse-mode differentiation: a tape of closures, played youngest first.
//
// The last line of an op is   return record("name", y, {inputs}, [=](const Tensor& dy, Gradients& out) { ...
// }); Its closure asks `out` where the gradient of each input goes and whether to overwrite or to add, so
// that an op can add into a gradient that another one has begun instead of making a second pass.
#pragma once

#include <functional>

#include "engine/tensor.h"

namespace engine {

class Gradients;
using Backward = std::function<void(const Tensor& dy, Gradients& out)>;

// Where one gradient goes.
struct Destination {
  Tensor tensor;            // of the input's shape; its dtype is the input's
  bool accumulate = false;  // add to what is there, or overwrite
};

// The gradients of one op's inputs, in the order in which record() was given them.
class Gradients {
 public:
  explicit Gradients(Node& node) : node_(node) {}
  bool wanted(int input) const;           // false: nobody asks for this gradient
  Destination destination(int input);     // must be written by the closure
  void give(int input, const Tensor& g);  // the gradient is `g` itself, which nobody may write to any more

 private:
  Node& node_;
};

struct Node {
  const char* op = "leaf";
  std::uint64_t age = 0;                      // nodes made later are larger: no graph sort needed
  std::vector<std::shared_ptr<Node>> inputs;  // null where an input needs no gradient
  Backward backward;                          // empty for leaves
  Shape shape{};                              // of the tensor, and so of its gradient
  DType dtype = DType::f32;
  Device device;
  Tensor
      gradient;  // of a leaf: kept after backward(), perhaps a slice of a flat buffer; else passing through
  bool written = false;   // leaf: the gradient holds a value (of this step or an earlier backward)
  bool queued = false;    // not a leaf: backward() has its turn in its queue, or has played it
  bool borrowed = false;  // the gradient was given, not made here: it must not be written to
};

// Marks a tensor whose gradient is wanted: a parameter, or an input of gradcheck. `gradient`, if defined, is
// the memory in which the gradient will be left.
Tensor leaf(const Tensor&, const Tensor& gradient = {});

// `output` has no history yet, so `backward` may capture it. Gives `output` back without history inside
// no_grad, or when no input has one.
Tensor record(const char* op, const Tensor& output, const Tensors& inputs, Backward backward);

// Called with a leaf as soon as nothing more will be added to its gradient.
using LeafDone = std::function<void(const Node&)>;

// Adds d(output . d_output)/d(leaf) to the gradient of every leaf below `output`, and forgets the graph. A
// leaf whose gradient has been cleared is overwritten instead.
void backward(const Tensor& output, const Tensor& d_output, const LeafDone& = {});
void backward(const Tensor& scalar, const LeafDone& = {});  // from dL/dL = 1

const Tensor& gradient(const Tensor& leaf);  // undefined before the first backward
void clear_gradient(const Tensor& leaf);     // the next backward overwrites

// While one lives, ops record nothing.
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
