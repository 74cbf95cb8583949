// dyad linear: a linear classifier on the frozen features.
#include "apps/cli/commands.h"
#include "apps/evaluation/classifiers.h"
#include "engine/error.h"

namespace apps {

namespace {

void refuse_options_of_sgd(const LinearOptions& o) {
  const LinearOptions d;
  const char* given = o.epochs != d.epochs               ? "epochs"
                      : o.lr != d.lr                     ? "lr"
                      : o.weight_decay != d.weight_decay ? "weight-decay"
                                                         : nullptr;
  if (o.solver != "sgd" && given != nullptr)
    throw engine::UsageError(
        engine::concat_text("--", given, " is an option of --solver sgd, and the solver is ", o.solver));
}

}  // namespace

int linear(const LinearOptions& o) {
  refuse_options_of_sgd(o);
  const SgdProbe sgd{o.epochs, o.batch, o.lr, o.weight_decay, o.seed};
  return evaluate({o, "linear", o.batch, o.no_floors},
                  {o.solver == "sgd" ? sgd_classifier(sgd) : lbfgs_classifier(o.seed)});
}

}  // namespace apps
