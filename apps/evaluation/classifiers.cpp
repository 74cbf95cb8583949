#include "apps/evaluation/classifiers.h"

#include "engine/error.h"
#include "engine/optim/schedule.h"
#include "models/probes/knn.h"
#include "models/probes/linear_probe.h"

namespace apps {

using engine::concat_text;
using engine::Tensor;

Classifier knn_classifier(const std::string& name, int k, double temperature) {
  return {.name = name,
          .meaning = concat_text("nearest neighbours (k = ", k, ", T = ", temperature, ")"),
          .classify = [=](const Features& train, const Tensor& test, int classes) {
            const models::KnnResult r = models::classify_by_neighbours(
                train.values, train.labels, test, classes, {.k = k, .temperature = temperature});
            return Verdict{.predicted = r.predicted,
                           .details = {{"k", r.nearest.k}, {"temperature", temperature}}};
          }};
}

Classifier lbfgs_classifier(std::uint64_t seed) {
  return {.name = "linear",
          .meaning = "linear classifier (L-BFGS)",
          .classify = [=](const Features& train, const Tensor& test, int classes) {
            const models::FittedProbe f =
                models::fit_linear_probe(train.values, train.labels, classes, {.seed = seed});
            return Verdict{
                .predicted = models::predict(f.probe, test),
                .details = {{"l2", f.l2}, {"iterations", f.iterations}, {"converged", f.converged}}};
          }};
}

Classifier sgd_classifier(const SgdProbe& p) {
  return {.name = "sgd",
          .meaning = concat_text("linear classifier (SGD, ", p.epochs, " epochs)"),
          .classify =
              [=](const Features& train, const Tensor& test, int classes) {
                const models::TrainOptions o = models::resolved({.epochs = p.epochs,
                                                                 .batch = p.batch,
                                                                 .learning_rate = p.lr,
                                                                 .weight_decay = p.weight_decay,
                                                                 .seed = p.seed},
                                                                train.labels.size());
                return Verdict{.predicted = models::predict(
                                   models::train_linear_probe(train.values, train.labels, classes, o), test),
                               .details = {{"epochs", o.epochs},
                                           {"batch", o.batch},
                                           {"lr", o.learning_rate},
                                           {"weight_decay", o.weight_decay}}};
              },
          .of_pixels = false};
}

}  // namespace apps
