#include "apps/classifiers.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/schedule.h"
#include "models/knn.h"
#include "models/linear_probe.h"

namespace apps {

using engine::concat_text;
using engine::Tensor;

Classifier knn_classifier(const std::string& name, int k, double temperature) {
  return {.name = name,
          .meaning = concat_text("nearest neighbours (k = ", k, ", T = ", temperature, ")"),
          .classify = [=](const Features& train, const Tensor& test, int classes) {
            const models::KnnResult r = models::classify_by_neighbours(
                train.values, train.labels, test, classes, {.k = k, .temperature = temperature});
            return Verdict{.predicted = r.predicted, .details = {{"k", r.k}, {"temperature", temperature}}};
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
  return {
      .name = "sgd",
      .meaning = concat_text("linear classifier (SGD, ", p.epochs, " epochs)"),
      .classify =
          [=](const Features& train, const Tensor& test, int classes) {
            const int batch = int(std::min<std::size_t>(std::size_t(p.batch), train.labels.size()));
            const double lr = p.lr >= 0 ? p.lr : engine::linear_scaling(0.1, batch);
            const models::LinearProbe probe = models::train_linear_probe(train.values, train.labels, classes,
                                                                         {.epochs = p.epochs,
                                                                          .batch = batch,
                                                                          .learning_rate = lr,
                                                                          .weight_decay = p.weight_decay,
                                                                          .seed = p.seed});
            return Verdict{
                .predicted = models::predict(probe, test),
                .details = {
                    {"epochs", p.epochs}, {"batch", batch}, {"lr", lr}, {"weight_decay", p.weight_decay}}};
          },
      .of_pixels = false};
}

}  // namespace apps
