// The loss of one row by the papers' formulas in f64, for every kind of negatives.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/ops.h"

// The gradients are those of a similarity over tau; `direct` is that of 1 / tau where the loss contains it
// without a similarity.
struct NegativesRow {
  double loss = 0, direct = 0, of_positive = 0;
  std::vector<double> of_negatives;
};

// s: the similarities of the negatives; weight: of the positive (DCLW). All exponentials are relative to that
// of the positive, so that nearly equal values are subtracted before.
inline NegativesRow negatives_row(const std::vector<double>& s, double positive, double tau,
                                  const engine::Negatives& kind, double weight = 1) {
  const double beta = kind.hardness, count = double(s.size());
  double sharp = 0, flat = 0;
  const double top = s.empty() ? -1 : *std::max_element(s.begin(), s.end());
  for (const double each : s) {
    sharp += std::exp((1 + beta) * (each - top) / tau);
    flat += std::exp(beta * (each - top) / tau);
  }
  // of all negatives, over e^(positive / tau)
  const double factor = kind.as_many > 0 ? kind.as_many / count : 1, own = 1 - kind.debias;
  const double repulsion = s.empty() ? 0 : count * sharp / flat * std::exp((top - positive) / tau);
  const double least = count * std::exp((-1 - positive) / tau);
  double sum = (factor * repulsion - kind.debias * count) / own;
  const bool clamped = kind.debias > 0 && sum <= least;
  if (clamped) sum = least;
  const double all = (kind.decoupled ? 0 : 1) + sum;
  NegativesRow r{.loss = kind.decoupled ? std::log(sum) : std::log1p(sum), .of_negatives = {}};
  r.loss += (1 - weight) * positive / tau;
  r.direct = clamped ? -sum / all : 0;
  // the quotients do not depend on the positive, but for the debiased sum's own
  r.of_positive = kind.decoupled ? -weight : -(clamped ? sum : factor * repulsion / own) / all;
  for (const double each : s) {
    const double share = (1 + beta) * std::exp((1 + beta) * (each - top) / tau) / sharp -
                         beta * std::exp(beta * (each - top) / tau) / flat;
    r.of_negatives.push_back(clamped ? 0 : factor * repulsion / own / all * share);
  }
  return r;
}

struct NegativesKind {
  const char* name;
  engine::Negatives negatives;
  double sigma = 0;  // of DCLW's weights of the positives; 0: they are 1
};
inline const std::vector<NegativesKind>& negatives_kinds() {
  static const std::vector<NegativesKind> all = {{"nt-xent", {}},
                                                 {"decoupled", {.decoupled = true}},
                                                 {"dclw", {.decoupled = true}, 0.5},
                                                 {"debiased", {.debias = 0.1}},
                                                 {"hard", {.debias = 0.1, .hardness = 1}},
                                                 {"hard, not debiased", {.hardness = 0.3}},
                                                 {"as many", {.as_many = 65536}}};
  return all;
}
