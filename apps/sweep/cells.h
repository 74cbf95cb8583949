// The cells of a sweep: one run for each combination of the varied options and each seed.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "apps/sweep/variations.h"

namespace apps {

struct Cell {
  std::vector<std::pair<std::string, std::string>> options;  // those that are varied, and their values
  std::uint64_t seed = 0;

  // The name of its folder: "method=simclr,batch=32,seed=0". What isn't a plain character of a file name is
  // %XX.
  std::string name() const;
};

// The last variation changes fastest, and the seed faster still. UsageError if a name is too long for a file.
std::vector<Cell> expanded(const std::vector<Variation>&, int seeds);

}  // namespace apps
