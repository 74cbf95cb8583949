// SupCon (Khosla et al. 2020): all views of images of one class attract each other. The classes are those of
// the data set.
#pragma once

#include "models/methods/methods.h"
#include "models/methods/temperature.h"

namespace models {

class SupCon final : public Method {
 public:
  SupCon(const MethodConfig& c, engine::Device device)
      : Method(c, device), trained_(parameters.build<Contrasting>(c.branch, c.options.tau)) {}

  static MethodDescription describe(const MethodOptions& o, std::int64_t pairs) {
    // if all similarities are alike, each positive is one of 2N - 1
    return {.title = "SupCon",
            .loss = "SupCon (L_out)",
            .settings = settings_of_tau(o.tau),
            .advice = "--tau",
            .chance_loss = std::log(2.0 * double(pairs) - 1),
            .chance_formula = "ln(2N - 1)",
            .labels = true,
            .defaults = {.head_norm = "none", .learned_tau = true}};
  }

  // Both views pass the network at once, as in the authors' code.
  Tensor loss(const Views& views, const Pass& pass) override {
    const Tensor z = pass.phase("forward", [&] { return trained_.branch(views.images, pass); });
    return pass.phase("loss", [&] {
      return engine::sup_con(z, views.labels, trained_.tau(), pass.communicator, views.pairs);
    });
  }
  void after_step() override { trained_.tau.hold(); }
  const Branch& branch() const override { return trained_.branch; }
  Tensor log_temperature() const override { return trained_.tau.logarithm(); }

 private:
  const Contrasting trained_;
};

inline const AddMethod<SupCon> add_supcon{"supcon"};

}  // namespace models
