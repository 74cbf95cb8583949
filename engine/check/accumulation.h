// Does backward add to a gradient that is there already?
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "engine/check/op_case.h"

namespace engine {

// Runs forward and backward twice, with different gradients of the outputs, into the same gradients of the
// inputs, in f64 on the CPU device with the current cpu_threads(). Returns "" if each holds the sum of what
// the two give alone, up to rounding; else one line that names the input, the element, and where the kernel
// was launched that got the gradient's memory last.
std::string accumulation(const OpCase&, const Shape&, std::uint64_t seed);

// Two numbers as text, with as many digits as tell them apart, and at least six.
std::pair<std::string, std::string> told_apart(double, double);

}  // namespace engine
