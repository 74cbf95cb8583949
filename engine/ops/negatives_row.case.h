// The papers' formulas for other negatives, for the cards' references.
#pragma once

#include <algorithm>
#include <cmath>

#include "engine/ops.h"

namespace engine {

// The loss of a row. positive: e^(s / tau) of its positive; sharp, flat: the sums of e^((1 + beta) s / tau)
// and e^(beta s / tau) over its `count` negatives; weight: of the positive (DCLW).
inline double negatives_row_loss(const Negatives& n, double tau, double positive, double sharp, double flat,
                                 double count, double weight = 1) {
  double negatives = (n.as_many > 0 ? n.as_many / count : 1) * sharp * count / flat;
  if (n.debias > 0)
    negatives =
        std::max((negatives - n.debias * count * positive) / (1 - n.debias), count * std::exp(-1 / tau));
  return std::log((n.decoupled ? 0 : positive) + negatives) - weight * std::log(positive);
}

}  // namespace engine
