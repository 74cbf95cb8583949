// Options that are left to choose, derived from the others.
#include <algorithm>
#include <cmath>

#include "apps/options/pretrain.h"
#include "engine/error.h"
#include "models/methods/methods.h"
#include "models/methods/negatives.h"

namespace apps {
namespace {

// Groups of one image would have no batch statistics.
void require_split_norm(const PretrainOptions& o, bool queue) {
  if (o.split_norm == 1) return;
  if (!queue) {
    if (o.resume.empty())
      throw engine::UsageError(engine::concat_text("--split-norm ", o.split_norm, ": the method ", o.method,
                                                   " has no keys to shuffle, expected --method moco2"));
    return;
  }
  if (o.batch % o.split_norm != 0 || o.batch < 2 * o.split_norm)
    throw engine::UsageError(engine::concat_text("--split-norm is ", o.split_norm, ", expected --batch (",
                                                 o.batch, ") to be a multiple of it, at least ",
                                                 2 * o.split_norm));
}

void resolve_method(PretrainOptions& o) {
  static_cast<models::MethodOptions&>(o) = models::with_negatives(o);
  const models::MethodDefaults defaults = models::describe_method(o, o.batch).defaults;
  if (o.head_norm == "auto") o.head_norm = defaults.head_norm;
  // a resumed run may have these from its config; the checkpoint is then of another model, which is said
  const bool fresh = o.resume.empty();
  if (fresh && o.target_momentum >= 0 && defaults.target_momentum < 0)
    throw engine::UsageError("--target-momentum: the method " + o.method + " has no target network");
  if (fresh && o.negatives != "nt-xent" && !defaults.negatives)
    throw engine::UsageError("--negatives " + o.negatives + ": the method " + o.method +
                             " has no such negatives, expected --method simclr, moco2 or moco3");
  if (fresh && o.negatives == "dclw" && !defaults.weighted_positives)
    throw engine::UsageError("--negatives dclw: the method " + o.method +
                             " has no weights of positives, expected --method simclr, or decoupled");
  if (fresh && o.tau.learned && !defaults.learned_tau)
    throw engine::UsageError(engine::concat_text("--tau learn:", o.tau.value, ": the method ", o.method,
                                                 " does not learn its temperature, expected a number"));
  if (fresh && o.symmetric && !defaults.queue)
    throw engine::UsageError("--symmetric: the method " + o.method +
                             " has no queue, expected --method moco2");
  if (defaults.queue && o.symmetric && o.split_norm > 1)
    throw engine::UsageError(
        "--symmetric: both views are queries, in order, so their keys can't be shuffled: "
        "expected --split-norm 1");
  if (fresh && o.predictor_hidden >= 0 && !defaults.predictor)
    throw engine::UsageError("--predictor-hidden: the method " + o.method + " has no predictor");
  if (defaults.queue && o.queue % o.batch != 0)
    throw engine::UsageError(engine::concat_text("--queue is ", o.queue, ", expected a multiple of --batch (",
                                                 o.batch, "): each step replaces the oldest batch"));
  require_split_norm(o, defaults.queue);
  if (o.target_momentum < 0) o.target_momentum = defaults.target_momentum;
}

}  // namespace

void resolve(PretrainOptions& o, data::Dataset::Kind kind) {
  using Kind = data::Dataset::Kind;
  if (o.size < 0 && kind == Kind::stl10) o.size = 96;
  resolve(o, kind == Kind::cifar10 || kind == Kind::cifar100);
}

void resolve(PretrainOptions& o, bool cifar) {
  if (o.graph && o.device == "cpu")
    throw engine::UsageError("--graph: the CPU device has no graphs, expected --device cuda");
  if (o.collectives == "nccl" && o.device == "cpu")
    throw engine::UsageError("--collectives nccl: the CPU device has MPI only, expected auto or mpi");
  resolve_method(o);
  if (o.views == "auto") o.views = models::describe_method(o, o.batch).defaults.views;
  if (o.size < 0) o.size = cifar ? 32 : 224;
  const bool small = o.size <= 64;
  if (o.stem == "auto") o.stem = small ? "cifar" : "imagenet";
  if (o.recipe == "auto") o.recipe = small ? "cifar" : "imagenet";
  resolve_views(o);
  // lars: SimCLR's paper; sgd: what lightly trains CIFAR with; adamw: square root, as its second moment
  // scales so
  if (o.lr < 0)
    o.lr = o.optimizer == "lars"  ? 0.3 * o.batch / 256
           : o.optimizer == "sgd" ? 0.06 * o.batch / 128
                                  : 1e-3 * std::sqrt(o.batch / 256.0);
  if (o.weight_decay < 0) o.weight_decay = o.optimizer == "lars" ? 1e-6 : o.optimizer == "sgd" ? 5e-4 : 1e-4;
  if (o.warmup_epochs < 0 && o.steps < 0)
    o.warmup_epochs = std::min(10.0, o.epochs / 10.0);  // else: see Plan
}

}  // namespace apps
