// The temperature of a contrastive loss, and the network that is trained with it.
#pragma once

#include <cmath>

#include "models/methods/method.h"

namespace models {

// Constant, or learned as its logarithm, which is held within bounds after each step, as CLIP does (Radford
// et al. 2021, 2.5). The logarithm is the parameter "log_tau", without weight decay or LARS's adaptation.
class Temperature {
 public:
  Temperature(const Scope& s, const TauOption& o)
      : log_(o.learned ? s.constant("log_tau", 1, std::log(o.value)) : Tensor()),
        constant_(o.learned ? Tensor() : s.unnamed(1, o.value)) {}

  Tensor operator()() const { return log_.defined() ? engine::exponential(log_) : constant_; }  // (1)
  const Tensor& logarithm() const { return log_; }  // (1); undefined if the temperature is constant
  // After the optimizer's step.
  void hold() const {
    if (log_.defined())
      engine::clamp_values(log_.detach(), std::log(TauOption::least_learned),
                           std::log(TauOption::most_learned));
  }

 private:
  const Tensor log_, constant_;
};

struct Contrasting {
  Branch branch;
  Temperature tau;

  Contrasting(const Scope& s, const BranchConfig& c, const TauOption& t) : branch(s, c), tau(s, t) {}
};

inline std::string settings_of_tau(const TauOption& o) {
  return engine::concat_text("temperature ", o.learned ? "learned from " : "", o.value);
}

}  // namespace models
