// BYOL (Grill et al. 2020): a predictor maps the projection of one view to the target network's projection of
// the other view. The target follows the trained network. There are no negative pairs.
#pragma once

#include "models/methods/methods.h"
#include "models/methods/predictor.h"
#include "models/methods/target.h"

namespace models {

class Byol final : public Method {
 public:
  Byol(const MethodConfig& c, engine::Device device)
      : Method(c, device),
        online_(parameters.build<Predicting>(c.branch, PredictorConfig{c.options.predictor_hidden})),
        target_(c, parameters) {}

  static MethodDescription describe(const MethodOptions& o, std::int64_t /*pairs*/) {
    return {.title = "BYOL",
            .loss = "2 - 2 cos, both ways",
            .settings = engine::concat_text("target momentum ", o.target_momentum),
            .advice = "--target-momentum",
            .defaults = {.head_norm = "hidden", .views = "byol", .target_momentum = 0.99, .predictor = true}};
  }

  void start() override { target_.copy(); }
  void before_step(double done) override { target_.schedule(done); }
  // As DeepMind's code; lightly updates the target before the next step.
  void after_step() override { target_.update(); }

  // The two views pass the networks one after the other, as in the authors' code: each has batch statistics
  // of its own.
  Tensor loss(const Views& views, const Pass& pass) override {
    Tensor p1, p2, z1, z2;
    pass.phase("forward", [&] {
      p1 = online_(views.view(0), pass), p2 = online_(views.view(1), pass);
      z1 = target_(views.view(0), pass), z2 = target_(views.view(1), pass);
    });
    return pass.phase("loss", [&] {
      return engine::add(engine::cosine_loss(p1, z2, pass.communicator, views.pairs),
                         engine::cosine_loss(p2, z1, pass.communicator, views.pairs));
    });
  }
  const Branch& branch() const override { return online_.branch; }
  engine::NamedTensors state() const override { return target_.state(); }

 private:
  const Predicting online_;
  Target target_;
};

inline const AddMethod<Byol> add_byol{"byol"};

}  // namespace models
