#include "engine/tape.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <queue>
#include <utility>

#include "engine/check/observe.h"
#include "kernels/kernels.h"

namespace engine {
namespace {

thread_local bool recording = true;
thread_local OpObserver* observer = nullptr;

// a += b
void add_into(const Tensor& a, const Tensor& b) {
  dispatch("backward", a, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::add(stream, a.numel(), a.data<T>(), b.data<T>(), a.data<T>());
  });
}

// Makes a node's gradient writable: a gradient that came from give() and is still shared is copied first.
void own(Node& n) {
  if (std::exchange(n.borrowed, false) && n.gradient.shares_storage()) n.gradient = n.gradient.clone();
}

// How many ops below `output` will ask for each leaf's gradient.
std::map<const Node*, int> uses_of_leaves(const std::shared_ptr<Node>& output) {
  std::map<const Node*, int> uses;
  std::map<const Node*, bool> seen;
  std::vector<const Node*> todo = {output.get()};
  while (!todo.empty()) {
    const Node* n = todo.back();
    todo.pop_back();
    for (const auto& input : n->inputs) {
      if (!input) continue;
      if (!input->backward)
        ++uses[input.get()];
      else if (!std::exchange(seen[input.get()], true))
        todo.push_back(input.get());
    }
  }
  return uses;
}

void require_graph(const Node& n) {
  require(!n.freed, "backward: an earlier backward has freed the graph of ", n.op,
          "; add losses that share a part of it, and call backward once");
}

}  // namespace

Tensor with_node(Tensor t, std::shared_ptr<Node> n) {
  t.node_ = std::move(n);
  return t;
}

Tensor leaf(const Tensor& t, const Tensor& gradient) {
  require(t.dtype() == DType::f32 || t.dtype() == DType::f64 || t.dtype() == DType::bf16,
          "leaf: a tensor of ", t.dtype(), " has no gradient, expected f32, f64 or bf16");
  require(!gradient.defined() || (gradient.shape() == t.shape() && gradient.dtype() == t.dtype()),
          "leaf: the gradient is ", gradient.dtype(), " ", gradient.shape(), ", expected ", t.dtype(), " ",
          t.shape());
  auto node = std::make_shared<Node>();
  node->shape = t.shape();
  node->dtype = t.dtype();
  node->device = t.device();
  node->gradient = gradient;
  return with_node(t, std::move(node));
}

Tensor record(const char* op, const Tensor& output, const Tensors& inputs, Backward backward) {
  bool wanted = false;
  for (const Tensor& t : inputs) wanted |= t.node() != nullptr;
  if (!wanted || !recording) {
    if (observer != nullptr) observer->output(op, output, inputs, nullptr);
    return output;
  }

  static thread_local std::uint64_t age = 0;
  auto node = std::make_shared<Node>();
  node->op = op;
  node->age = ++age;
  for (const Tensor& t : inputs) node->inputs.push_back(t.node());
  node->backward = std::move(backward);
  node->shape = output.shape();
  node->dtype = output.dtype();
  node->device = output.device();
  if (observer != nullptr) observer->output(op, output, inputs, node.get());
  return with_node(output, std::move(node));
}

// The inputs of a node that nobody else holds are released one after the other: a chain of a million ops
// would otherwise need as many calls on the stack.
Node::~Node() {
  std::vector<std::shared_ptr<Node>> orphans = std::move(inputs);
  backward = nullptr;
  while (!orphans.empty()) {
    const std::shared_ptr<Node> n = std::move(orphans.back());
    orphans.pop_back();
    if (n == nullptr || n.use_count() > 1) continue;
    std::ranges::move(n->inputs, std::back_inserter(orphans));
    n->inputs.clear();
  }
}

bool Gradients::wanted(int input) const {
  require(input >= 0 && std::size_t(input) < node_.inputs.size(), node_.op, ": gradient ", input, " of ",
          node_.inputs.size(), " inputs");
  return node_.inputs[std::size_t(input)] != nullptr;
}

Node& Gradients::input(int input) const {
  require(wanted(input), node_.op, ": gradient ", input, " is not wanted");
  return *node_.inputs[std::size_t(input)];
}

Destination Gradients::destination(int number) {
  Node& n = input(number);
  if (n.written) {
    own(n);
    return {n.gradient, true};
  }
  if (!n.gradient.defined()) n.gradient = Tensor(n.shape, n.dtype, n.device);
  n.written = true;
  return {n.gradient, false};
}

Tensor Gradients::in_place_of(const Tensor& dy) const {
  return node_.gradient.shares_storage() ? empty_like(dy) : dy;
}

void Gradients::give(int number, const Tensor& g) {
  Node& n = input(number);
  require(g.shape() == n.shape && g.dtype() == n.dtype, node_.op, ": gradient ", number, " is ", g.shape(),
          " ", g.dtype(), ", expected ", n.shape, " ", n.dtype);
  if (n.written) {
    own(n);
    add_into(n.gradient, g);
  } else if (n.gradient.defined()) {  // a leaf whose gradient has its own memory
    copy_bytes(n.gradient.raw(), n.device, g.raw(), g.device(), g.bytes());
  } else {
    n.gradient = g.detach();
    n.borrowed = true;
  }
  n.written = true;
}

void backward(const Tensor& output, const Tensor& d_output, const LeafDone& leaf_done) {
  require(output.node() != nullptr, "backward: the tensor has no history");
  require(output.shape() == d_output.shape(), "backward: the gradient is ", d_output.shape(), ", expected ",
          output.shape());
  require_graph(*output.node());
  const NoGrad no_grad;
  const auto older = [](const auto& a, const auto& b) { return a->age < b->age; };
  std::priority_queue<std::shared_ptr<Node>, std::vector<std::shared_ptr<Node>>, decltype(older)> todo(older);

  if (!output.node()->backward) {  // a leaf
    const auto self = std::make_shared<Node>();
    self->inputs.push_back(output.node());
    Gradients(*self).give(0, d_output);
    if (leaf_done) leaf_done(*output.node());
    return;
  }
  std::map<const Node*, int> uses;
  if (leaf_done) uses = uses_of_leaves(output.node());
  output.node()->gradient = d_output.detach();
  output.node()->written = output.node()->borrowed = output.node()->queued = true;
  todo.push(output.node());
  while (!todo.empty()) {
    const std::shared_ptr<Node> n = todo.top();
    todo.pop();
    if (observer != nullptr) observer->gradient(*n, n->gradient);
    Gradients into(*n);
    for (const auto& input : n->inputs)
      if (input) require_graph(*input);
    n->backward(n->gradient, into);
    for (std::size_t i = 0; i < n->inputs.size(); ++i)
      require(!n->inputs[i] || n->inputs[i]->written, n->op, ": its backward pass has written no gradient ",
              i);
    for (const auto& input : n->inputs)
      if (input && input->backward && !std::exchange(input->queued, true)) todo.push(input);
    if (leaf_done)
      for (const auto& input : n->inputs)
        if (input && !input->backward && --uses[input.get()] == 0) leaf_done(*input);
    n->backward = nullptr;  // frees the tensors that the op saved
    n->freed = true;
    n->gradient = {};
  }
}

void backward(const Tensor& loss, const LeafDone& leaf_done) {
  require(loss.numel() == 1, "backward: the tensor is ", loss.shape(),
          ", expected one element, or the gradient of the tensor as the second argument");
  backward(loss, full(loss.shape(), 1, loss.dtype(), loss.device()), leaf_done);
}

const Tensor& gradient(const Tensor& t) {
  require(t.node() != nullptr && !t.node()->backward && !t.node()->freed,
          "gradient: the tensor is not a leaf");
  return t.node()->gradient;
}

bool has_gradient(const Tensor& t) {
  require(t.node() != nullptr, "has_gradient: the tensor is not a leaf");
  return t.node()->written;
}

void clear_gradient(const Tensor& t) {
  require(t.node() != nullptr, "clear_gradient: the tensor is not a leaf");
  t.node()->written = false;
}

Observed::Observed(OpObserver& o) : before_(std::exchange(observer, &o)) {}
Observed::~Observed() { observer = before_; }

NoGrad::NoGrad() : before_(std::exchange(recording, false)) {}
NoGrad::~NoGrad() { recording = before_; }
bool grad_enabled() { return recording; }

}  // namespace engine
