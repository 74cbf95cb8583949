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
        groups_(c.options.split_norm),
        tau_(engine::full({1}, c.options.tau, c.dtype, device)) {}

  static MethodDescription describe(const MethodOptions& o, std::int64_t /*pairs*/) {
    return {.title = "MoCo v2",
            .loss = "InfoNCE",
            .settings = engine::concat_text(
                "temperature ", o.tau, ", queue of ", o.queue, " keys, target momentum ", o.target_momentum,
                o.split_norm > 1 ? engine::concat_text(", batch norm in ", o.split_norm, " groups") : ""),
            .advice = "--tau",
            .chance_loss = std::log(double(o.queue) + 1),
            .chance_formula = "ln(K + 1)",
            .shuffles = o.split_norm > 1,
            .defaults = {.head_norm = "none", .views = "moco2", .target_momentum = 0.999, .queue = true}};
  }

  void start() override { target_.copy(); }

  // The target is updated before it encodes the keys, as in the authors' code. The momentum is constant.
  Tensor loss(const Views& views, const Pass& pass) override {
    engine::require(groups_ == 1 || views.second_places.defined(),
                    "moco2: no places of the second views, which batch norm in ", groups_, " groups needs");
    Pass split = pass;
    split.groups = {groups_, views.pairs};
    Tensor q, own;
    pass.phase("forward", [&] {
      q = online_(views.view(0), split);
      target_.update();
      own = engine::l2_normalize(target_(views.view(1), split));
    });
    return pass.phase("loss", [&] {
      const engine::Communicator& ranks = pass.communicator;
      keys_ = pass.communicator.all_gather(own, engine::shard_counts(views.pairs, ranks.size()));
      if (groups_ > 1) {
        keys_ = engine::take_rows(keys_, views.second_places);
        const engine::Shard rows = engine::shard(views.pairs, ranks.rank(), ranks.size());
        own = keys_.slice(rows.first, rows.count);
      }
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
  const int groups_;  // of the batch, which batch norm normalizes apart; the keys are then shuffled
  const Tensor tau_;  // (1)
  Tensor keys_;       // of all ranks, between loss() and after_step()
};

inline const AddMethod<MoCoV2> add_moco2{"moco2"};

}  // namespace models
