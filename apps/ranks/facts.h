// What must be the same on every rank, and the form in which ranks exchange it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "apps/run/checkpoint_info.h"

namespace apps {

using Facts = std::vector<std::pair<std::string, std::string>>;  // key, value

// Version, number of ranks, configuration, the images' names and labels, and the files' sizes or contents.
Facts facts_of(const PretrainOptions&, const Setting&);

// Each text is preceded by its length, so that keys and values may contain any bytes.
std::string packed(const Facts&);
Facts unpacked(const std::string&);

struct RankFacts {
  std::string host;
  Facts facts;
};
// The first difference between a rank and rank 0: "rank 1 on B has lr = 0.2, rank 0 on A has 0.1". "" if
// there is none.
std::string disagreement(const std::vector<RankFacts>& ranks);

}  // namespace apps
