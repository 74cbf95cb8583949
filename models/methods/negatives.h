// The kinds of negatives of the contrastive losses, by the names of --negatives.
#pragma once

#include <string>

#include "engine/ops.h"
#include "models/methods/method_options.h"

namespace models {

// What a kind is called, and which numbers it has, with their values in its paper; below 0: it has no such
// number.
struct NegativesKind {
  std::string before = "", after = "";  // the name of the loss with NT-Xent's negatives
  double debias = -1, hardness = -1, as_many = -1;
  double sigma = -1;  // of DCLW's weights of the positives
};
// nt-xent, decoupled, dclw, debiased, hard or eqco.
NegativesKind negatives_kind(const std::string& name);

// Numbers that are left to choose are the paper's. UsageError if one is given that the kind doesn't have.
engine::Negatives negatives_of(const MethodOptions&);
MethodOptions with_negatives(MethodOptions);  // the same, with these numbers filled in

// "debiased NT-Xent", if `loss` is "NT-Xent".
std::string loss_name(const std::string& kind, const std::string& loss);
std::string settings_of_negatives(const MethodOptions&);  // ", tau+ 0.1, beta 1", or ""

// How many candidates a row has by chance, one of which is its positive, and how that is written: "2N - 1".
// Hard and debiased negatives sum to the same as NT-Xent's if all rows are alike, and DCLW's weights are 1.
struct Candidates {
  double count;
  std::string text;
};
// plain: with NT-Xent's negatives; one_less: the text of the negatives alone, "2N - 2".
Candidates candidates_of(const MethodOptions&, const Candidates& plain, const std::string& one_less);

}  // namespace models
