// MoCo v2 (He et al. 2020; Chen, Fan et al. 2020): a view finds the target network's embedding of the other
// view among those of earlier batches, which a queue keeps.
#pragma once

#include <optional>

#include "engine/memory/row_queue.h"
#include "models/methods/methods.h"
#include "models/methods/negatives.h"
#include "models/methods/target.h"
#include "models/methods/temperature.h"

namespace models {

class MoCoV2 final : public Method {
 public:
  MoCoV2(const MethodConfig& c, engine::Device device)
      : Method(c, device),
        online_(parameters.build<Contrasting>(c.branch, c.options.tau)),
        target_(c, parameters),
        negatives_(negatives_of(c.options)),
        second_(queue(c, device, 0)),
        groups_(c.options.split_norm) {
    if (c.options.symmetric) first_.emplace(queue(c, device, 1));
  }

  static MethodDescription describe(const MethodOptions& o, std::int64_t /*pairs*/) {
    std::string settings = engine::concat_text(settings_of_tau(o.tau), settings_of_negatives(o),
                                               o.symmetric ? ", two queues of " : ", queue of ", o.queue,
                                               " keys, target momentum ", o.target_momentum);
    if (o.split_norm > 1) settings += engine::concat_text(", batch norm in ", o.split_norm, " groups");
    const Candidates chance = candidates_of(o, {double(o.queue) + 1, "K + 1"}, "K");
    return {.title = "MoCo v2",
            .loss = loss_name(o.negatives, "InfoNCE") + (o.symmetric ? ", the mean of both ways" : ""),
            .settings = settings,
            .advice = "--tau",
            .chance_loss = std::log(chance.count),
            .chance_formula = "ln(" + chance.text + ")",
            .shuffles = o.split_norm > 1,
            .defaults = {.head_norm = "none",
                         .views = "moco2",
                         .target_momentum = 0.999,
                         .queue = true,
                         .learned_tau = true,
                         .negatives = true}};
  }

  void start() override { target_.copy(); }

  // The target is updated before it encodes the keys, as in the authors' code. The momentum is constant.
  // Symmetric: solo-learn's loss, where each view's queries look for the other view's keys, in a queue of
  // such.
  Tensor loss(const Views& views, const Pass& pass) override {
    engine::require(groups_ == 1 || views.second_places.defined(),
                    "moco2: no places of the second views, which batch norm in ", groups_, " groups needs");
    Pass split = pass;
    split.groups = {groups_, views.pairs};
    const bool symmetric = first_.has_value();
    Tensor q1, q2, k1, k2;
    pass.phase("forward", [&] {
      q1 = online_.branch(views.view(0), split);
      if (symmetric) q2 = online_.branch(views.view(1), split);
      target_.update();
      if (symmetric) k1 = engine::l2_normalize(target_(views.view(0), split));
      k2 = engine::l2_normalize(target_(views.view(1), split));
    });
    return pass.phase("loss", [&] {
      if (!symmetric) return contrast(q1, k2, second_, views, pass, 1);
      const Tensor of_first = contrast(q1, k2, second_, views, pass, 0.5);
      return engine::add(of_first, contrast(q2, k1, *first_, views, pass, 0.5));
    });
  }
  // After backward, which reads the queues.
  void after_step() override {
    second_.push();
    if (first_) first_->push();
    online_.tau.hold();
  }

  const Branch& branch() const override { return online_.branch; }
  Tensor log_temperature() const override { return online_.tau.logarithm(); }
  engine::NamedTensors state() const override {
    engine::NamedTensors all = target_.state();
    second_.add_state("queue.", all);
    if (first_) first_->add_state("queue.first.", all);
    return all;
  }

 private:
  // The keys of one view of earlier batches.
  struct Keys {
    engine::RowQueue queue;
    Tensor fresh = {};  // of all ranks, between loss() and after_step()

    void push() {
      queue.push(fresh);
      fresh = {};  // its memory is free for the next step, which then uses the same addresses
    }
    void add_state(const std::string& prefix, engine::NamedTensors& all) const {
      all.emplace_back(prefix + "keys", queue.rows());
      all.emplace_back(prefix + "cursor", queue.cursor());
    }
  };
  static Keys queue(const MethodConfig& c, engine::Device device, std::uint32_t number) {
    return {{c.options.queue, c.branch.projection.out, c.dtype, device, c.seed, number}};
  }

  // own: the keys that this rank has made; q: its queries.
  Tensor contrast(const Tensor& q, Tensor own, Keys& keys, const Views& views, const Pass& pass,
                  double weight) {
    engine::Communicator& ranks = pass.communicator;
    keys.fresh = ranks.all_gather(own, engine::shard_counts(views.pairs, ranks.size()));
    if (groups_ > 1) {
      keys.fresh = engine::take_rows(keys.fresh, views.second_places);
      const engine::Shard rows = engine::shard(views.pairs, ranks.rank(), ranks.size());
      own = keys.fresh.slice(rows.first, rows.count);
    }
    return engine::info_nce(
        q, own, online_.tau(), ranks,
        {.pairs = views.pairs, .weight = weight, .queue = keys.queue.rows(), .negatives = negatives_});
  }

  const Contrasting online_;
  Target target_;
  const engine::Negatives negatives_;
  Keys second_;
  std::optional<Keys> first_;  // if symmetric
  const int groups_;           // of the batch, which batch norm normalizes apart; the keys are then shuffled
};

inline const AddMethod<MoCoV2> add_moco2{"moco2"};

}  // namespace models
