// Everything that a card is put through, besides what a sanitizer's build adds: one list, which the tests,
// `dyad racecheck` and the checks of other projects' kernels (examples/) run from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/check/op_case.h"

namespace engine {

struct CardCheck {
  const char* name;
  const char* finds;
  // "" or what is wrong, in one line. Options and threads are as before afterwards.
  std::string (*run)(const OpCase&, const Shape&, std::uint64_t seed);
};

// Those that this build can run: a sanitizer's build has the GPU's block sizes only, and no Jacobians, which
// are thousands of runs.
const std::vector<CardCheck>& card_checks();

// ||a - b|| / max(||b||, floor) over all elements of all tensors; ||a - b|| where that is zero. A floor is
// for what is zero in exact arithmetic, and rounding otherwise.
double distance(const Tensors& a, const Tensors& b, double floor = 0);

}  // namespace engine
