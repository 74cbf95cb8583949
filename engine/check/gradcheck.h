// Runs cards: the full Jacobian against central differences, and one forward + backward whose results other
// modes compare (thread orders, sanitizers, devices).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/check/op_case.h"

namespace engine {

struct GradcheckFailure {
  std::string op = {};
  Shape shape{};
  int output = 0, input = 0;          // which tensor of apply() and of inputs()
  std::int64_t row = 0, element = 0;  // which element of them
  double analytic = 0, numeric = 0, error = 0;
  std::uint64_t seed = 0;
  std::string note = {};     // what the one-sided differences say
  std::string text() const;  // all of it on one line
};

struct GradcheckResult {
  std::int64_t entries = 0;  // of the Jacobian
  double worst = 0;          // largest |analytic - numeric| / (1 + |numeric|)
  std::optional<GradcheckFailure> failure;
};

// d(output)/d(input) of every output element with respect to every element of every leaf, in f64 on the CPU
// device (there with the threads in force) or another: backward of one-hot gradients against central
// differences of the forward. A card without leaves is compared with its reference instead.
GradcheckResult gradcheck(const OpCase&, const Shape&, std::uint64_t seed, Device = cpu);

// For shapes too large for a Jacobian: three random directions v of all leaves and weights u of each output,
// and the two ways to <u, J v>: backward of u, times v; u times central differences along v. Their difference
// is relative to |u| |J v|. In f64. It sees an error in one element only if that element is a part of the
// whole.
GradcheckResult gradcheck_fast(const OpCase&, const Shape&, std::uint64_t seed, Device = cpu);

// The shapes for it: those of real models, the first dimension halved until no more than 2^18 elements are
// left. The small ones, where a card's inputs() cannot be drawn at such sizes.
std::vector<Shape> fast_shapes(const OpCase&);

// A card's inputs converted to dtype on the device. bf16: input 0 and every input of the same shape; the
// others are f32.
Tensors converted(const Tensors& inputs, DType, Device);

struct CardRun {
  Tensors outputs;
  Tensors gradients;  // of the leaves, in order, for random output gradients
};
// One forward and backward with the inputs converted to dtype on the device.
CardRun run_card(const OpCase&, const Shape&, std::uint64_t seed, DType, Device);

bool bit_equal(const CardRun&, const CardRun&);

}  // namespace engine
