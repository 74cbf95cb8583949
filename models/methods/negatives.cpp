#include "models/methods/negatives.h"

#include <map>

namespace models {

NegativesKind negatives_kind(const std::string& name) {
  static const std::map<std::string, NegativesKind> kinds = {
      {"nt-xent", {}},
      {"decoupled", {.before = "decoupled ", .after = " (DCL)"}},  // Yeh et al. 2022
      {"dclw", {.before = "decoupled ", .after = " with weighted positives (DCLW)", .sigma = 0.5}},
      {"debiased", {.before = "debiased ", .debias = 0.1}},                       // Chuang et al. 2020
      {"hard", {.after = " with hard negatives", .debias = 0.1, .hardness = 1}},  // Robinson et al. 2021
      {"eqco", {.after = " with EqCo's margin", .as_many = 65536}}};              // Zhu et al. 2020
  const auto found = kinds.find(name);
  if (found == kinds.end())
    throw engine::UsageError("--negatives: \"" + name +
                             "\", expected nt-xent, decoupled, dclw, debiased, hard or eqco");
  return found->second;
}

MethodOptions with_negatives(MethodOptions o) {
  const NegativesKind kind = negatives_kind(o.negatives);
  const auto fill = [&](double& value, double of_kind, const char* option) {
    if (value >= 0 && of_kind < 0)
      throw engine::UsageError(std::string(option) + ": --negatives " + o.negatives + " has no such number");
    if (value < 0) value = of_kind;
  };
  fill(o.debias, kind.debias, "--debias");
  fill(o.hardness, kind.hardness, "--hardness");
  fill(o.as_many, kind.as_many, "--as-many");
  fill(o.sigma, kind.sigma, "--sigma");
  return o;
}

engine::Negatives negatives_of(const MethodOptions& given) {
  const MethodOptions o = with_negatives(given);
  const auto number = [](double value) { return value < 0 ? 0 : value; };
  return {.debias = number(o.debias),
          .hardness = number(o.hardness),
          .as_many = number(o.as_many),
          .decoupled = o.negatives == "decoupled" || o.negatives == "dclw"};
}

std::string loss_name(const std::string& kind, const std::string& loss) {
  const NegativesKind k = negatives_kind(kind);
  return k.before + loss + k.after;
}

Candidates candidates_of(const MethodOptions& o, const Candidates& plain, const std::string& one_less) {
  if (negatives_of(o).decoupled) return {plain.count - 1, one_less};
  if (o.negatives == "eqco") return {with_negatives(o).as_many + 1, "alpha + 1"};
  return plain;
}

std::string settings_of_negatives(const MethodOptions& o) {
  std::string text;
  const auto add = [&](const char* name, double value) {
    if (value >= 0) text += engine::concat_text(", ", name, " ", value);
  };
  add("tau+", o.debias);
  add("beta", o.hardness);
  add("alpha", o.as_many);
  add("sigma", o.sigma);
  return text;
}

}  // namespace models
