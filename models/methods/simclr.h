// SimCLR (Chen et al. 2020): the two views of an image attract each other, all other pairs repel.
#pragma once

#include "models/methods/methods.h"
#include "models/methods/negatives.h"
#include "models/methods/temperature.h"

namespace models {

class SimClr final : public Method {
 public:
  SimClr(const MethodConfig& c, engine::Device device)
      : Method(c, device),
        trained_(parameters.build<Contrasting>(c.branch, c.options.tau)),
        negatives_(negatives_of(c.options)),
        sigma_(with_negatives(c.options).sigma) {}

  static MethodDescription describe(const MethodOptions& o, std::int64_t pairs) {
    const double rows = 2 * double(pairs);
    const Candidates chance = candidates_of(o, {rows - 1, "2N - 1"}, "2N - 2");
    return {.title = "SimCLR",
            .loss = loss_name(o.negatives, "NT-Xent"),
            .settings = settings_of_tau(o.tau) + settings_of_negatives(o),
            .advice = "--tau",
            .chance_loss = std::log(chance.count),
            .chance_formula = "ln(" + chance.text + ")",
            .defaults = {.learned_tau = true, .negatives = true, .weighted_positives = true}};
  }

  Tensor loss(const Views& views, const Pass& pass) override {
    const Tensor z = pass.phase("forward", [&] { return trained_.branch(views.images, pass); });
    return pass.phase("loss", [&] {
      const Tensor weights =
          sigma_ > 0 ? engine::positive_weights(z, sigma_, pass.communicator, views.pairs) : Tensor();
      return engine::nt_xent(z, trained_.tau(), pass.communicator, negatives_, views.pairs, weights);
    });
  }
  void after_step() override { trained_.tau.hold(); }
  const Branch& branch() const override { return trained_.branch; }
  Tensor log_temperature() const override { return trained_.tau.logarithm(); }

 private:
  const Contrasting trained_;
  const engine::Negatives negatives_;
  const double sigma_;  // of DCLW's weights of the positives; below 0: they are 1
};

inline const AddMethod<SimClr> add_simclr{"simclr"};

}  // namespace models
