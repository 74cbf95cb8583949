// SimCLR (Chen et al. 2020): the two views of an image attract each other, all other pairs repel.
#pragma once

#include "models/methods/methods.h"

namespace models {

class SimClr final : public Method {
 public:
  SimClr(const MethodConfig& c, engine::Device device)
      : Method(c, device),
        branch_(parameters.build<Branch>(c.branch)),
        tau_(engine::full({1}, c.options.tau, c.dtype, device)) {}

  static MethodDescription describe(const MethodOptions& o, std::int64_t pairs) {
    return {.title = "SimCLR",
            .loss = "NT-Xent",
            .settings = engine::concat_text("temperature ", o.tau),
            .advice = "--tau",
            .chance_loss = std::log(2.0 * double(pairs) - 1),  // one of 2N - 1 candidates is the partner
            .chance_formula = "ln(2N - 1)"};
  }

  Tensor loss(const Views& views, const Pass& pass) override {
    const Tensor z = pass.phase("forward", [&] { return branch_(views.images, pass); });
    return pass.phase("loss", [&] { return engine::nt_xent(z, tau_, pass.communicator, views.pairs); });
  }
  const Branch& branch() const override { return branch_; }

 private:
  const Branch branch_;
  const Tensor tau_;  // (1)
};

inline const AddMethod<SimClr> add_simclr{"simclr"};

}  // namespace models
