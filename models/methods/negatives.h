// The kinds of negatives of SimCLR's loss, by the names of --negatives.
#pragma once

#include <string>

#include "engine/ops.h"
#include "models/methods/method_options.h"

namespace models {

// Which numbers a kind has, and their values in its paper; below 0: it has no such number.
struct NegativesKind {
  std::string loss;  // "DCL"
  double debias = -1, hardness = -1, as_many = -1;
  double sigma = -1;  // of DCLW's weights of the positives
};
// nt-xent, decoupled, dclw, debiased, hard or eqco.
NegativesKind negatives_kind(const std::string& name);

// Numbers that are left to choose are the paper's. UsageError if one is given that the kind doesn't have.
engine::Negatives negatives_of(const MethodOptions&);
MethodOptions with_negatives(MethodOptions);  // the same, with these numbers filled in

inline std::string loss_name(const std::string& kind) { return negatives_kind(kind).loss; }
std::string settings_of_negatives(const MethodOptions&);  // ", tau+ 0.1, beta 1", or ""

}  // namespace models
