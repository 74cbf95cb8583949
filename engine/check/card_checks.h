// The list of checks that run on every card, apart from the sanitizers. The tests, `dyad racecheck` and the
// checks of other projects' kernels (examples/) use it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/check/op_case.h"

namespace engine {

struct CardCheck {
  const char* name;
  const char* finds;
  // Returns "" or one line that says what is wrong. Restores the options and the threads.
  std::string (*run)(const OpCase&, const Shape&, std::uint64_t seed);
  bool decides = false;  // the checks after it would only find the same again
};

// The checks that this build can run. A sanitizer build has only the GPU's block sizes, and no Jacobians,
// which take thousands of runs.
const std::vector<CardCheck>& card_checks();

// ||a - b|| / max(||b||, floor) over all elements of all tensors; ||a - b|| where that is zero. The floor is
// for tensors that are zero in exact arithmetic and hold only rounding errors.
double distance(const Tensors& a, const Tensors& b, double floor = 0);

}  // namespace engine
