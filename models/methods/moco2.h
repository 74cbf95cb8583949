// MoCo v2 (He et al. 2020; Chen, Fan et al. 2020): a view finds the target network's embedding of the other
// view among those of earlier batches, which a queue keeps.
#pragma once

#include "engine/memory/row_queue.h"
#include "models/methods/methods.h"
#include "models/methods/target.h"

namespace models {

class MoCoV2 final : public Method {
 public:
  MoCoV2(const MethodConfig& c, engine::Device device)
      : Method(c, device),
        online_(parameters.build<Branch>(c.branch)),
        target_(c, parameters),
        queue_(c.options.queue, c.branch.projection.out, c.dtype, device, c.seed),
        tau_(engine::full({1}, c.options.tau, c.dtype, device)) {}

  static MethodDescription describe(const MethodOptions& o, std::int64_t /*pairs*/) {
    return {.title = "MoCo v2",
            .loss = "InfoNCE",
            .settings = engine::concat_text("temperature ", o.tau, ", queue of ", o.queue,
                                            " keys, target momentum ", o.target_momentum),
            .advice = "--tau",
            .chance_loss = std::log(double(o.queue) + 1),
            .chance_formula = "ln(K + 1)",
            .defaults = {.head_norm = "none", .views = "moco2", .target_momentum = 0.999, .queue = true}};
  }

  void start() override { target_.copy(); }

  // The target is updated before it encodes the keys, as in the authors' code. The momentum is constant.
  Tensor loss(const Views& views, const Pass& pass) override {
    Tensor q;
    pass.phase("forward", [&] {
      q = online_(views.view(0), pass);
      target_.update();
      keys_ = engine::l2_normalize(target_(views.view(1), pass));
    });
    return pass.phase("loss", [&] {
      const Tensor own = keys_;
      keys_ = pass.communicator.all_gather(own, engine::shard_counts(views.pairs, pass.communicator.size()));
      return engine::info_nce(q, own, tau_, pass.communicator,
                              {.pairs = views.pairs, .queue = queue_.rows()});
    });
  }
  // After backward, which reads the queue.
  void after_step() override {
    queue_.push(keys_);
    keys_ = {};  // its memory is free for the next step, which then uses the same addresses
  }

  const Branch& branch() const override { return online_; }
  engine::NamedTensors state() const override {
    engine::NamedTensors all = target_.state();
    all.emplace_back("queue.keys", queue_.rows());
    all.emplace_back("queue.cursor", queue_.cursor());
    return all;
  }

 private:
  const Branch online_;
  Target target_;
  const engine::RowQueue queue_;
  const Tensor tau_;  // (1)
  Tensor keys_;       // of all ranks, between loss() and after_step()
};

inline const AddMethod<MoCoV2> add_moco2{"moco2"};

}  // namespace models
