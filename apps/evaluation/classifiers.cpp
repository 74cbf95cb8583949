#include "apps/evaluation/classifiers.h"

#include <algorithm>
#include <cmath>

#include "engine/check/non_finite.h"
#include "engine/error.h"
#include "engine/optim/schedule.h"
#include "models/probes/accuracy.h"
#include "models/probes/knn.h"
#include "models/probes/linear_probe.h"

namespace apps {

using engine::concat_text;
using engine::Tensor;

namespace {

// A classifier whose features are finite can still overflow.
const models::LinearProbe& finite(const models::LinearProbe& probe, const char* advice) {
  for (const Tensor& t : {probe.weight, probe.bias})
    if (const auto bad = engine::find_non_finite(t))
      throw std::runtime_error(
          concat_text("a weight of the classifier is ", bad->value, ", expected a finite number", advice));
  return probe;
}

}  // namespace

Verdict linear_verdict(const models::LinearProbe& probe, const Tensor& test, nlohmann::ordered_json details) {
  std::vector<std::int32_t> best = models::predict_best(probe, test);
  std::vector<std::int32_t> predicted = models::first_of_best(best);
  return {std::move(predicted), std::move(best), std::move(details)};
}

Classifier knn_classifier(const std::string& name, int k, double temperature) {
  return {.name = name,
          .plan =
              [=](const data::Dataset& train) {
                const auto used = std::min(std::size_t(k), train.size());
                return ClassifierPlan{
                    concat_text("nearest neighbours (k = ", used, ", T = ", temperature, ")"),
                    int(used) < k ? concat_text("all training images, as there are fewer than k = ", k) : ""};
              },
          .classify =
              [=](const Features& train, const Tensor& test, int classes) {
                models::KnnResult r = models::classify_by_neighbours(
                    train.values, train.labels, test, classes, {.k = k, .temperature = temperature});
                for (const double cosine : r.nearest.cosines)
                  if (!std::isfinite(cosine))
                    throw std::runtime_error(
                        concat_text("a cosine of two features is ", cosine,
                                    ", expected a finite number: the features are too large"));
                return Verdict{.predicted = std::move(r.predicted),
                               .best = std::move(r.best),
                               .details = {{"k", r.nearest.k}, {"temperature", temperature}}};
              }};
}

Classifier lbfgs_classifier(std::uint64_t seed) {
  return {.name = "linear",
          .plan = [](const data::Dataset&) { return ClassifierPlan{"linear classifier (L-BFGS)"}; },
          .classify =
              [=](const Features& train, const Tensor& test, int classes) {
                const models::FittedProbe f =
                    models::fit_linear_probe(train.values, train.labels, classes, {.seed = seed});
                return linear_verdict(
                    finite(f.probe, ": the features are too large"), test,
                    {{"l2", f.l2}, {"iterations", f.iterations}, {"converged", f.converged}});
              }};
}

Classifier sgd_classifier(const SgdProbe& p) {
  const auto resolved = [p](std::size_t images) {
    return models::resolved({.epochs = p.epochs,
                             .batch = p.batch,
                             .learning_rate = p.lr,
                             .weight_decay = p.weight_decay,
                             .seed = p.seed},
                            images);
  };
  return {.name = "sgd",
          .plan =
              [=](const data::Dataset& train) {
                const models::TrainOptions o = resolved(train.size());
                return ClassifierPlan{concat_text("linear classifier (SGD, ", o.epochs, " epochs)"),
                                      concat_text("batch ", o.batch, ", lr ", o.learning_rate)};
              },
          .classify =
              [=](const Features& train, const Tensor& test, int classes) {
                const models::TrainOptions o = resolved(train.labels.size());
                return linear_verdict(
                    finite(models::train_linear_probe(train.values, train.labels, classes, o),
                           "; try a smaller --lr"),
                    test,
                    {{"epochs", o.epochs},
                     {"batch", o.batch},
                     {"lr", o.learning_rate},
                     {"weight_decay", o.weight_decay}});
              },
          .not_of_pixels = "its learning rate is meant for pooled features"};
}

}  // namespace apps
