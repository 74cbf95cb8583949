#include "models/probes/linear_probe.h"

#include <algorithm>
#include <cmath>

#include "engine/ops.h"
#include "engine/random.h"
#include "engine/tape.h"
#include "models/probes/accuracy.h"
#include "models/probes/lbfgs.h"
#include "models/probes/probe_data.h"

namespace models {
namespace {

using engine::DType;
using engine::Tensor;

// Mean and mean variance of the columns of (N,D).
struct Moments {
  std::vector<double> mean;
  double variance = 0;
};

Moments moments(const Tensor& host) {
  const auto n = std::size_t(host.dim(0)), d = std::size_t(host.dim(1));
  const std::vector<double> x = host.to_vector();
  Moments m{std::vector<double>(d, 0), 0};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < d; ++j) m.mean[j] += x[i * d + j];
  for (double& mean : m.mean) mean /= double(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < d; ++j) m.variance += std::pow(x[i * d + j] - m.mean[j], 2);
  m.variance /= double(n * d);
  return m;
}

// x - mean. The bias has no penalty, so only the optimal bias changes; the solver needs fewer iterations.
Tensor centred(const Tensor& host, const std::vector<double>& mean) {
  std::vector<double> x = host.to_vector();
  for (std::size_t i = 0; i < x.size(); ++i) x[i] -= mean[i % mean.size()];
  return from_vector(host.shape(), x, host.dtype());
}

// Mean cross-entropy + l2 / 2 |weight|^2 of a linear classifier on some rows. The parameters are the weight
// (C,D), followed by the bias (C).
struct Regression {
  Tensor x, labels;
  int classes;

  double operator()(const std::vector<double>& p, std::vector<double>& gradient, double l2) const {
    const std::int64_t weights = classes * x.dim(1);
    const auto part = [&](std::int64_t first, const engine::Shape& shape) {
      return leaf(
          from_vector(shape, {p.begin() + first, p.begin() + first + shape.numel()}, x.dtype(), x.device()));
    };
    const Tensor weight = part(0, {classes, x.dim(1)}), bias = part(weights, {classes});
    const Tensor loss = softmax_cross_entropy(linear(x, weight, bias), labels);
    backward(loss);
    double value = loss.item();
    std::size_t i = 0;
    for (double g : engine::gradient(weight).to_vector()) {
      value += l2 / 2 * p[i] * p[i];
      gradient[i] = g + l2 * p[i];
      ++i;
    }
    for (double g : engine::gradient(bias).to_vector()) gradient[i++] = g;
    return value;
  }

  // Starts at p. The tolerance is relative to the gradient at zero.
  LbfgsResult fit(std::vector<double>& p, double l2, int iterations, double tolerance) const {
    const auto objective = [&](const std::vector<double>& at, std::vector<double>& g) {
      return (*this)(at, g, l2);
    };
    std::vector<double> zero(p.size(), 0), g(p.size());
    objective(zero, g);
    double largest = 0;
    for (double e : g) largest = std::max(largest, std::abs(e));
    return minimize(objective, p,
                    {.iterations = iterations,
                     .tolerance = tolerance * largest,
                     .precision = x.dtype() == DType::f32 ? 3e-7 : 1e-15});
  }

  LinearProbe probe(const std::vector<double>& p) const {
    const std::int64_t weights = classes * x.dim(1);
    return {from_vector({classes, x.dim(1)}, {p.begin(), p.begin() + weights}, x.dtype(), x.device()),
            from_vector({classes}, {p.begin() + weights, p.end()}, x.dtype(), x.device())};
  }
};

struct Division {
  std::vector<std::int64_t> kept, held_out;
};

// Holds out the same part of each class, drawn by the seed: at least one image of a class that has two or
// more.
Division divide(const std::vector<std::int32_t>& labels, int classes, double part, std::uint64_t seed) {
  std::vector<std::vector<std::int64_t>> of_class(std::size_t(classes), std::vector<std::int64_t>{});
  for (std::size_t i = 0; i < labels.size(); ++i) of_class[std::size_t(labels[i])].push_back(std::int64_t(i));
  engine::Random random(seed, 0x11e1d);
  Division d;
  for (auto& images : of_class) {
    engine::shuffle(images, random);
    const auto out =
        std::max<std::size_t>(images.size() > 1 ? 1 : 0, std::size_t(part * double(images.size())));
    d.held_out.insert(d.held_out.end(), images.begin(), images.begin() + std::ptrdiff_t(out));
    d.kept.insert(d.kept.end(), images.begin() + std::ptrdiff_t(out), images.end());
  }
  std::sort(d.kept.begin(), d.kept.end());
  std::sort(d.held_out.begin(), d.held_out.end());
  return d;
}

}  // namespace

FittedProbe fit_linear_probe(const Tensor& features, const std::vector<std::int32_t>& labels, int classes,
                             const FitOptions& o) {
  check_labelled("linear probe", features, labels, classes);
  engine::require(!o.penalties.empty() && o.held_out > 0 && o.held_out < 1,
                  "linear probe: ", o.penalties.size(), " penalties, ", o.held_out,
                  " held out, expected some of each");
  const Tensor host = features.to(engine::cpu);
  const Moments m = moments(host);
  const Tensor x = centred(host, m.mean);
  const double unit = m.variance > 0 ? m.variance : 1;
  const auto regression = [&](const std::vector<std::int64_t>& rows) {
    return Regression{rows_of(x, rows).to(features.device()),
                      label_tensor(labels_of(labels, rows), features.device()), classes};
  };

  const Division d = divide(labels, classes, o.held_out, o.seed);
  engine::require(!d.held_out.empty(), "linear probe: ", labels.size(),
                  " images are too few to hold some out for the choice of the penalty");
  const auto parameters = std::size_t(classes * (features.dim(1) + 1));
  std::vector<double> p(parameters, 0), best_p;
  FittedProbe fitted;
  double best = -1;
  int worse = 0;
  {
    const Regression kept = regression(d.kept);
    const Tensor trial_x = rows_of(x, d.held_out).to(features.device());
    const std::vector<std::int32_t> trial_labels = labels_of(labels, d.held_out);
    for (double penalty : o.penalties) {
      kept.fit(p, penalty * unit, 50, 3e-3);
      const double right = accuracy(predict(kept.probe(p), trial_x), trial_labels);
      fitted.trials.push_back({penalty * unit, right});
      if (right > best) {
        best = right;
        best_p = p;
        fitted.l2 = penalty * unit;
        worse = 0;
      } else if (++worse == o.patience) {
        break;
      }
    }
  }

  const Regression whole{x.to(features.device()), label_tensor(labels, features.device()), classes};
  const LbfgsResult r = whole.fit(best_p, fitted.l2, o.iterations, 1e-3);
  fitted.iterations = r.iterations;
  fitted.converged = r.converged;
  for (int c = 0; c < classes; ++c)  // the bias that belongs to features without centring
    for (std::size_t j = 0; j < m.mean.size(); ++j)
      best_p[std::size_t(classes) * m.mean.size() + std::size_t(c)] -=
          best_p[std::size_t(c) * m.mean.size() + j] * m.mean[j];
  fitted.probe = whole.probe(best_p);
  return fitted;
}

}  // namespace models
