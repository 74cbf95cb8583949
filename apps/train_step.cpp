#include "apps/train_step.h"

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
        flat, engine::LarsOptions{.momentum = o.momentum, .weight_decay = o.weight_decay});
  if (o.optimizer == "adamw")
    return std::make_unique<engine::AdamW>(
        flat, engine::AdamWOptions{.beta1 = o.momentum, .weight_decay = o.weight_decay});
  throw engine::UsageError("optimizer is \"" + o.optimizer + "\", expected lars, sgd or adamw");
}

Tensor train_step(const Model& model, engine::Optimizer& optimizer, const Tensor& images, const Tensor& tau,
                  double lr, engine::Communicator& communicator, Phases& phase) {
  const models::Pass pass{engine::Mode::train, communicator};
  const Tensor z = phase("forward", [&] { return model.net(images, pass); });
  const Tensor loss = phase("loss", [&] { return engine::nt_xent(z, tau, communicator); });
  phase("backward", [&] {
    model.parameters.clear_gradients();
    engine::backward(loss);
  });
  phase("all_reduce", [&] { communicator.all_reduce_sum(model.parameters.gradients()); });
  phase("optimizer", [&] { optimizer.step(lr); });
  return loss.detach();
}

}  // namespace apps
