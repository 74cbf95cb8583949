#include "apps/training/train_step.h"

namespace apps {

using engine::Tensor;

std::unique_ptr<engine::Optimizer> make_optimizer(const OptimizerOptions& o,
                                                  const engine::Parameters& parameters) {
  const engine::FlatParameters flat = engine::flat_parameters(parameters);
  if (o.optimizer == "sgd")
    return std::make_unique<engine::Sgd>(
        flat, engine::SgdOptions{.momentum = o.momentum, .weight_decay = o.weight_decay});
  if (o.optimizer == "lars")
    return std::make_unique<engine::Lars>(
        flat, engine::LarsOptions{.convention = o.lars == "google" ? engine::LarsConvention::google
                                                                   : engine::LarsConvention::lightly,
                                  .momentum = o.momentum,
                                  .weight_decay = o.weight_decay});
  if (o.optimizer == "adamw")
    return std::make_unique<engine::AdamW>(
        flat, engine::AdamWOptions{.beta1 = o.momentum, .weight_decay = o.weight_decay});
  throw engine::UsageError("optimizer is \"" + o.optimizer + "\", expected lars, sgd or adamw");
}

TrainStep::TrainStep(models::Method& method, engine::Optimizer& optimizer, engine::Communicator& communicator,
                     std::int64_t pairs, std::int64_t bucket, models::Recompute recompute)
    : method_(method),
      optimizer_(optimizer),
      communicator_(communicator),
      buckets_(method.parameters, communicator, bucket),
      measure_(engine::flat_parameters(method.parameters)),
      pairs_(pairs),
      recompute_(recompute) {}

void TrainStep::schedule(double lr, double done) {
  optimizer_.set_learning_rate(lr);
  method_.before_step(done);
}

Tensor TrainStep::launch(const Tensor& images, Phases& phase, const Tensor& labels,
                         const Tensor& second_places) {
  const models::Pass pass{
      .mode = engine::Mode::train, .communicator = communicator_, .phases = &phase, .recompute = recompute_};
  const Tensor loss = method_.loss({images, pairs_, labels, second_places}, pass);
  phase("backward", [&] { buckets_.backward(loss); });
  phase("all_reduce", [&] { buckets_.finish(); });  // the sums that were not done while backward ran
  phase("optimizer", [&] { gradient_square_ = measure_(), optimizer_.step(), method_.after_step(); });
  return loss.detach();
}

engine::NamedTensors TrainStep::state() const {
  engine::NamedTensors all = optimizer_.state();
  for (auto& named : method_.state()) all.push_back(std::move(named));
  return all;
}

}  // namespace apps
