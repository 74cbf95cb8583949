#include <algorithm>
#include <numeric>

#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"
#include "engine/random.h"
#include "models/layers.h"
#include "models/probes/accuracy.h"
#include "models/probes/linear_probe.h"
#include "models/probes/probe_data.h"

namespace models {

std::vector<std::int32_t> predict(const LinearProbe& probe, const Tensor& features) {
  const engine::NoGrad no_grad;
  const Tensor best = top_k(linear(features, probe.weight, probe.bias), 1).indices.to(engine::cpu);
  return {best.data<std::int32_t>(), best.data<std::int32_t>() + best.numel()};
}

std::vector<std::int32_t> predict_best(const LinearProbe& probe, const Tensor& features) {
  const engine::NoGrad no_grad;
  const int count = int(std::min<std::int64_t>(kBest, probe.weight.dim(0)));
  const Tensor found = top_k(linear(features, probe.weight, probe.bias), count).indices.to(engine::cpu);
  const auto* classes = found.data<std::int32_t>();
  std::vector<std::int32_t> best;
  for (std::int64_t row = 0; row < found.dim(0); ++row)
    for (int i = 0; i < kBest; ++i) best.push_back(i < count ? classes[row * count + i] : -1);
  return best;
}

TrainOptions resolved(TrainOptions o, std::size_t images) {
  o.batch = int(std::min<std::int64_t>(o.batch, std::int64_t(images)));
  if (o.learning_rate < 0) o.learning_rate = engine::linear_scaling(0.1, o.batch);
  return o;
}

LinearProbe train_linear_probe(const Tensor& features, const std::vector<std::int32_t>& labels, int classes,
                               const TrainOptions& given) {
  const TrainOptions o = resolved(given, labels.size());
  check_labelled("linear probe", features, labels, classes);
  engine::require(given.epochs >= 1 && given.batch >= 1, "linear probe: ", given.epochs,
                  " epochs of batches of ", given.batch, ", expected at least 1");
  const Tensor host = features.to(engine::cpu);
  engine::Parameters parameters(features.device(), features.dtype(), o.seed);
  const auto layer = parameters.build<Linear>(int(features.dim(1)), classes);
  engine::Sgd sgd(flat_parameters(parameters),
                  {.momentum = o.momentum, .weight_decay = o.weight_decay, .nesterov = true});

  const auto images = std::int64_t(labels.size()), batch = std::int64_t(o.batch);
  const std::int64_t steps = (images + batch - 1) / batch;
  std::vector<std::int64_t> order(labels.size());
  for (int epoch = 0; epoch < o.epochs; ++epoch) {
    std::iota(order.begin(), order.end(), 0);
    engine::Random random(o.seed, 0x5d, std::uint32_t(epoch));
    engine::shuffle(order, random);
    for (std::int64_t step = 0; step < steps; ++step) {
      const std::vector<std::int64_t> rows(order.begin() + step * batch,
                                           order.begin() + std::min(images, (step + 1) * batch));
      parameters.clear_gradients();
      backward(softmax_cross_entropy(layer(rows_of(host, rows).to(features.device())),
                                     label_tensor(labels_of(labels, rows), features.device())));
      sgd.step(engine::warmup_cosine(epoch * steps + step, 0, o.epochs * steps, o.learning_rate));
    }
  }
  return {layer.weight.detach().clone(), layer.bias.detach().clone()};
}

}  // namespace models
