// SupCon (Khosla et al. 2020): all views of images of one class attract each other. The classes are those of
// the data set.
#pragma once

#include "models/methods/methods.h"

namespace models {

class SupCon final : public Method {
 public:
  SupCon(const MethodConfig& c, engine::Device device)
      : Method(c, device),
        branch_(parameters.build<Branch>(c.branch)),
        tau_(engine::full({1}, c.options.tau, c.dtype, device)) {}

  static MethodDescription describe(const MethodOptions& o, std::int64_t pairs) {
    // if all similarities are alike, each positive is one of 2N - 1
    return {.title = "SupCon",
            .loss = "SupCon (L_out)",
            .settings = engine::concat_text("temperature ", o.tau),
            .advice = "--tau",
            .chance_loss = std::log(2.0 * double(pairs) - 1),
            .chance_formula = "ln(2N - 1)",
            .labels = true,
            .defaults = {.head_norm = "none"}};
  }

  // Both views pass the network at once, as in the authors' code.
  Tensor loss(const Views& views, const Pass& pass) override {
    const Tensor z = pass.phase("forward", [&] { return branch_(views.images, pass); });
    return pass.phase("loss",
                      [&] { return engine::sup_con(z, views.labels, tau_, pass.communicator, views.pairs); });
  }
  const Branch& branch() const override { return branch_; }

 private:
  const Branch branch_;
  const Tensor tau_;  // (1)
};

inline const AddMethod<SupCon> add_supcon{"supcon"};

}  // namespace models
