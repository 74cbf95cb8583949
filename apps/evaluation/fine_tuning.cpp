#include "apps/evaluation/fine_tuning.h"

#include <algorithm>
#include <cmath>

#include "apps/evaluation/evaluation.h"
#include "apps/run/model.h"
#include "data/view_batch.h"
#include "data/view_parts.h"
#include "engine/ops.h"
#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"
#include "models/probes/probe_data.h"

namespace apps {
namespace {

using engine::Tensor;

Tensor frozen_features(const models::ImageClassifier& net, const Tensor& images) {
  const engine::NoGrad no_grad;
  return net.features(images, {.mode = engine::Mode::eval});
}

}  // namespace

FineTuned::FineTuned(const PretrainOptions& run, int head_layers, int classes, engine::Device device)
    : parameters(device, engine::accumulator(engine::parse_dtype(run.dtype)), run.seed),
      net(parameters.build<models::ImageClassifier>(branch_config(run), head_layers, classes)) {}

void fine_tune(const FineTuned& model, const PretrainOptions& run, const data::Dataset& labelled,
               const FineTuning& o, const EpochDone& epoch_done) {
  const engine::Device device = model.parameters.device();
  const FrozenEncoder encoder(model.parameters);
  engine::Sgd sgd(engine::flat_parameters(model.parameters, o.frozen ? "fc." : ""),
                  {.momentum = 0.9, .weight_decay = o.weight_decay, .nesterov = true});
  const int batch_size = std::min(o.batch, int(labelled.size()));
  const data::ViewRecipe crops = data::view_recipe("crop-" + run.recipe);
  data::ViewBatches views(crops, 1, run.size, o.seed, device, engine::parse_dtype(run.dtype));
  data::Loader loader(labelled, {.batch = batch_size,
                                 .threads = o.threads,
                                 .seed = o.seed,
                                 .device = device,
                                 .part = data::part_of_views({crops}, run.size, o.seed)});
  const long steps = long(loader.batches_per_epoch());
  data::Batch batch;
  for (int epoch = 0; epoch < o.epochs; ++epoch) {
    double sum = 0;
    for (long step = 0; step < steps; ++step) {
      loader.next(batch);
      const Tensor images = views(batch);
      const Tensor h = o.frozen ? frozen_features(model.net, images)
                                : model.net.features(images, {.mode = engine::Mode::train});
      const Tensor loss = softmax_cross_entropy(model.net.fc(h), models::label_tensor(batch.labels, device));
      model.parameters.clear_gradients();
      backward(loss);
      sgd.step(engine::warmup_cosine(epoch * steps + step, 0, o.epochs * steps, o.lr));
      sum += loss.item();
      if (!std::isfinite(sum))
        throw std::runtime_error(engine::concat_text("the loss is ", loss.item(), " in epoch ", epoch + 1,
                                                     ", expected a finite number; try a smaller --lr"));
    }
    epoch_done(epoch + 1, sum / double(steps));
  }
  if (o.frozen) encoder.check("fine_tune");
}

}  // namespace apps
