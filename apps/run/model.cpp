#include "apps/run/model.h"

namespace apps {

models::SimClrConfig model_config(const PretrainOptions& o) {
  models::SimClrConfig c;
  c.encoder = {.name = o.arch,
               .stem = o.stem == "imagenet" ? models::Stem::imagenet : models::Stem::cifar,
               .width = o.width};
  c.projection = {.layers = o.head_layers, .hidden = o.hidden, .out = o.out_dim};
  return c;
}

Model::Model(const PretrainOptions& o, engine::Device device)
    : parameters(device, engine::accumulator(engine::parse_dtype(o.dtype)), o.seed),
      net(parameters.build<models::SimClr>(model_config(o))) {}

}  // namespace apps
