// MoCo v3 (Chen, Xie & He 2021): a predictor's output for one view finds the target network's embedding of
// the other view among those of all images of the batch. There is no queue.
#pragma once

#include "models/methods/methods.h"
#include "models/methods/negatives.h"
#include "models/methods/predictor.h"
#include "models/methods/target.h"

namespace models {

class MoCoV3 final : public Method {
 public:
  MoCoV3(const MethodConfig& c, engine::Device device)
      : Method(c, device),
        online_(parameters.build<Predicting>(c.branch, PredictorConfig{c.options.predictor_hidden})),
        target_(c, parameters),
        weight_(2 * c.options.tau.value),
        negatives_(negatives_of(c.options)),
        tau_(engine::full({1}, c.options.tau.value, c.dtype, device)) {}

  static MethodDescription describe(const MethodOptions& o, std::int64_t pairs) {
    const Candidates chance = candidates_of(o, {double(pairs), "N"}, "N - 1");
    return {.title = "MoCo v3",
            .loss = "2 tau " + loss_name(o.negatives, "InfoNCE") + ", both ways",
            .settings = engine::concat_text("temperature ", o.tau.value, settings_of_negatives(o),
                                            ", target momentum ", o.target_momentum),
            .advice = "--tau",
            .chance_loss = 4 * o.tau.value * std::log(chance.count),
            .chance_formula = "4 tau ln(" + chance.text + ")",
            .defaults = {.head_norm = "plain",
                         .views = "moco3",
                         .target_momentum = 0.99,
                         .predictor = true,
                         .negatives = true}};
  }

  void start() override { target_.copy(); }
  void before_step(double done) override { target_.schedule(done); }

  // The target is updated before it encodes the keys, as in the authors' code.
  Tensor loss(const Views& views, const Pass& pass) override {
    Tensor q1, q2, k1, k2;
    pass.phase("forward", [&] {
      q1 = online_(views.view(0), pass), q2 = online_(views.view(1), pass);
      target_.update();
      k1 = target_(views.view(0), pass), k2 = target_(views.view(1), pass);
    });
    const engine::InfoNceOptions all{.pairs = views.pairs, .weight = weight_, .negatives = negatives_};
    return pass.phase("loss", [&] {
      return engine::add(engine::info_nce(q1, k2, tau_, pass.communicator, all),
                         engine::info_nce(q2, k1, tau_, pass.communicator, all));
    });
  }
  const Branch& branch() const override { return online_.branch; }
  engine::NamedTensors state() const override { return target_.state(); }

 private:
  const Predicting online_;
  Target target_;
  const double weight_;
  const engine::Negatives negatives_;
  const Tensor tau_;  // (1)
};

inline const AddMethod<MoCoV3> add_moco3{"moco3"};

}  // namespace models
