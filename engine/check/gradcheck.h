// Runs cards. gradcheck() compares the full Jacobian with central differences. run_card() runs one forward
// and backward, whose results are compared between modes (thread orders, sanitizers, devices).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/check/op_case.h"

namespace engine {

struct GradcheckFailure {
  std::string op = {};
  Shape shape{};
  int output = 0, input = 0;                    // index of the tensor in apply() and in inputs()
  std::int64_t row = 0, element = 0;            // index of the element in each
  double analytic = 0, numeric = 0, error = 0;  // against a reference: what the op gave, what was expected
  std::uint64_t seed = 0;
  std::string note = {};     // set if the one-sided differences disagree
  std::string text() const;  // everything in one line
};

struct GradcheckResult {
  std::int64_t entries = 0;  // of the Jacobian
  double worst = 0;          // largest |analytic - numeric| / (1 + |numeric|)
  std::optional<GradcheckFailure> failure;
};

// The derivative of every output element with respect to every element of every leaf, in f64: backward of
// one-hot gradients against central differences of the forward. The CPU device uses the current
// cpu_threads(). A card without leaves is compared with its reference instead.
GradcheckResult gradcheck(const OpCase&, const Shape&, std::uint64_t seed, Device = cpu);

// For shapes too large for a Jacobian. Draws three random directions v of all leaves and weights u of each
// output, and computes <u, J v> in two ways: backward of u, times v; and u times central differences along v.
// The error is their difference relative to |u| |J v|, in f64. An error in one element is found only if that
// element is a notable part of the sum.
GradcheckResult gradcheck_fast(const OpCase&, const Shape&, std::uint64_t seed, Device = cpu);

// The shapes for gradcheck_fast(): those of real models, with the first dimension halved until there are at
// most 2^18 elements. If a card's inputs() cannot be drawn at such sizes: its small shapes.
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
