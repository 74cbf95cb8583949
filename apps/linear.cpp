// dyad linear: a linear classifier on the frozen features.
#include "apps/cli/commands.h"
#include "apps/evaluation/classifiers.h"

namespace apps {

int linear(const LinearOptions& o) {
  const SgdProbe sgd{o.epochs, o.batch, o.lr, o.weight_decay, o.seed};
  return evaluate({o, "linear", o.batch, o.no_floors},
                  {o.solver == "sgd" ? sgd_classifier(sgd) : lbfgs_classifier(o.seed)});
}

}  // namespace apps
