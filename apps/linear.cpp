// dyad linear: a linear classifier on the frozen features.
#include "apps/commands.h"
#include "apps/evaluation.h"
#include "models/linear_probe.h"

namespace apps {
namespace {

// To the optimum; the penalty is chosen on a part of the training set.
Verdict fit(const Features& train, const Features& test, int classes, const LinearOptions& o) {
  const models::FittedProbe f =
      models::fit_linear_probe(train.values, train.labels, classes, {.seed = o.seed});
  return {.predicted = models::predict(f.probe, test.values),
          .details = {{"l2", f.l2}, {"iterations", f.iterations}, {"converged", f.converged}}};
}

Verdict train_by_sgd(const Features& train, const Features& test, int classes, const LinearOptions& o) {
  const models::LinearProbe probe = models::train_linear_probe(train.values, train.labels, classes,
                                                               {.epochs = o.epochs,
                                                                .batch = o.batch,
                                                                .learning_rate = o.lr,
                                                                .weight_decay = o.weight_decay,
                                                                .seed = o.seed});
  return {.predicted = models::predict(probe, test.values)};
}

}  // namespace

int linear(const LinearOptions& o) {
  const EvaluationOptions e = evaluation_options("linear", o);
  const bool sgd = o.solver == "sgd";
  return evaluate(e, {{"solver", o.solver}}, [&](const Features& train, const Features& test, int classes) {
    return sgd ? train_by_sgd(train, test, classes, o) : fit(train, test, classes, o);
  });
}

}  // namespace apps
