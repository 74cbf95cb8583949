// SimSiam (Chen & He 2021): a predictor maps the projection of one view to the projection of the other view,
// through which no gradient flows. There are no negative pairs, and no target network.
#pragma once

#include "models/methods/methods.h"
#include "models/methods/predictor.h"

namespace models {

class SimSiam final : public Method {
 public:
  SimSiam(const MethodConfig& c, engine::Device device)
      : Method(c, device), networks_(parameters.build<Predicting>(c.branch, predictor(c))) {}

  static MethodDescription describe(const MethodOptions&, std::int64_t /*pairs*/) {
    return {.title = "SimSiam",
            .loss = "1 - cos, the mean of both ways",
            .defaults = {.head_norm = "plain", .views = "moco2", .predictor = true}};
  }

  Tensor loss(const Views& views, const Pass& pass) override {
    Tensor z1, z2, p1, p2;
    pass.phase("forward", [&] {
      z1 = networks_.branch(views.view(0), pass), z2 = networks_.branch(views.view(1), pass);
      p1 = networks_.predictor(z1, pass), p2 = networks_.predictor(z2, pass);
    });
    // cosine_loss is 2 - 2 cos and gives its second argument no gradient
    return pass.phase("loss", [&] {
      return engine::add(engine::cosine_loss(p1, z2, pass.communicator, views.pairs, 0.25),
                         engine::cosine_loss(p2, z1, pass.communicator, views.pairs, 0.25));
    });
  }
  const Branch& branch() const override { return networks_.branch; }

 private:
  // The hidden layer of the predictor has a quarter of the width, as the authors'.
  static PredictorConfig predictor(const MethodConfig& c) {
    const int given = c.options.predictor_hidden, quarter = std::max(1, c.branch.projection.out / 4);
    return {.hidden = given > 0 ? given : quarter, .last_bias = true};
  }
  const Predicting networks_;
};

inline const AddMethod<SimSiam> add_simsiam{"simsiam"};

}  // namespace models
