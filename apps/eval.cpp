// dyad eval: all published evaluations of frozen features in one command.
#include "apps/cli/commands.h"
#include "apps/evaluation/class_retrieval.h"
#include "apps/evaluation/classifiers.h"
#include "apps/evaluation/neighbours.h"

namespace apps {

int eval(const EvalOptions& o) {
  std::vector<Classifier> all = {knn_classifier("knn", 200, 0.1), knn_classifier("knn20", 20, 0.07),
                                 lbfgs_classifier(o.seed), sgd_classifier({.seed = o.seed})};
  FinetuneOptions f;
  f.seed = o.seed, f.threads = o.threads;
  for (const double share : {0.01, 0.1, 1.0}) {
    f.labels = share;
    if (o.finetune) all.push_back(finetune_classifier(f));
  }
  const Evaluation e{o, "eval", o.batch, o.no_floors};
  if (!o.all) return evaluate(e, all, pictures());
  ClassRetrieval retrieval(Database::train);
  return evaluate(e, all, pictures(), "", &retrieval);
}

}  // namespace apps
