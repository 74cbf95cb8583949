#include "apps/run/model.h"

namespace apps {

models::ResNetConfig encoder_config(const ModelOptions& o) {
  return {.name = o.arch,
          .stem = o.stem == "imagenet" ? models::Stem::imagenet : models::Stem::cifar,
          .width = o.width};
}

models::HeadNorm head_norm(const std::string& word) {
  using models::HeadNorm;
  return word == "plain"    ? HeadNorm::plain
         : word == "hidden" ? HeadNorm::hidden
         : word == "none"   ? HeadNorm::none
                            : HeadNorm::all;
}

models::Recompute recompute_mode(const std::string& word) {
  using models::Recompute;
  return word == "norm"    ? Recompute::norm
         : word == "block" ? Recompute::block
         : word == "stage" ? Recompute::stage
                           : Recompute::none;
}

models::BranchConfig branch_config(const ModelOptions& o) {
  return {.encoder = encoder_config(o),
          .projection = {
              .layers = o.head_layers, .hidden = o.hidden, .out = o.out_dim, .norm = head_norm(o.head_norm)}};
}

std::unique_ptr<models::Method> make_method(const PretrainOptions& o, engine::Device device) {
  return models::make_method({.branch = branch_config(o),
                              .options = o,
                              .dtype = engine::accumulator(engine::parse_dtype(o.dtype)),
                              .seed = o.seed},
                             device);
}

void require_branch(const PretrainOptions& run, const std::string& branch) {
  if (branch == "target" && models::describe_method(run, run.batch).defaults.target_momentum < 0)
    throw engine::UsageError("--branch target: the run's method, " + run.method + ", has no target network");
}

}  // namespace apps
