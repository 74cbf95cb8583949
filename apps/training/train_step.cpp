#include "apps/training/train_step.h"

namespace apps {

using engine::Tensor;

std::unique_ptr<engine::Optimizer> make_optimizer(const PretrainOptions& o,
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

TrainStep::TrainStep(const Model& model, engine::Optimizer& optimizer, engine::Communicator& communicator,
                     std::int64_t pairs, std::int64_t bucket)
    : model_(model),
      optimizer_(optimizer),
      communicator_(communicator),
      buckets_(model.parameters, communicator, bucket),
      measure_(engine::flat_parameters(model.parameters)),
      pairs_(pairs) {}

Tensor TrainStep::operator()(const Tensor& images, const Tensor& tau, double lr, Phases& phase) {
  optimizer_.set_learning_rate(lr);
  return launch(images, tau, phase);
}

Tensor TrainStep::launch(const Tensor& images, const Tensor& tau, Phases& phase) {
  const models::Pass pass{engine::Mode::train, communicator_};
  const Tensor z = phase("forward", [&] { return model_.net(images, pass); });
  const Tensor loss = phase("loss", [&] { return engine::nt_xent(z, tau, communicator_, pairs_); });
  phase("backward", [&] { buckets_.backward(loss); });
  phase("all_reduce", [&] { buckets_.finish(); });  // what was not done while backward ran
  phase("optimizer", [&] { gradient_square_ = measure_(), optimizer_.step(); });
  return loss.detach();
}

}  // namespace apps
