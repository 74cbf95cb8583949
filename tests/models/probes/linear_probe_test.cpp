// The linear probe and its solver: known optima, choice of the penalty on held-out images, results
// independent of the number of threads.
#include "models/probes/linear_probe.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "engine/random.h"
#include "models/probes/lbfgs.h"
#include "tests/support/gaussians.h"

using namespace models;
using engine::DType;
using engine::Random;
using engine::Tensor;

TEST_CASE("L-BFGS finds the minimum of an ill-conditioned quadratic and of Rosenbrock's function") {
  const int n = 50;
  std::vector<double> x(n, 0);
  const auto quadratic = [](const std::vector<double>& at, std::vector<double>& g) {
    double value = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      const double scale = std::pow(10.0, double(i) / 12.25), distance = at[i] - double(i);  // 1 .. 10^4
      value += scale * distance * distance / 2;
      g[i] = scale * distance;
    }
    return value;
  };
  // SciPy 1.16 L-BFGS-B with as many pairs takes 706 iterations.
  const LbfgsResult q = minimize(quadratic, x, {.iterations = 1000, .tolerance = 1e-5});
  CHECK(q.converged);
  for (int i = 0; i < n; ++i) CHECK(std::abs(x[std::size_t(i)] - i) <= 1e-5);  // the smallest curvature is 1

  std::vector<double> y = {-1.2, 1};
  const auto rosenbrock = [](const std::vector<double>& at, std::vector<double>& g) {
    const double a = 1 - at[0], b = at[1] - at[0] * at[0];
    g = {-2 * a - 400 * at[0] * b, 200 * b};
    return a * a + 100 * b * b;
  };
  const LbfgsResult r = minimize(rosenbrock, y, {.tolerance = 1e-9});
  CHECK(r.converged);
  CHECK(std::abs(y[0] - 1) < 1e-8);
  CHECK(std::abs(y[1] - 1) < 1e-8);
  CHECK_FALSE(minimize(rosenbrock, y = {-1.2, 1}, {.iterations = 3}).converged);
}

TEST_CASE("logistic regression is at its optimum") {
  // At the optimum of mean cross-entropy + l2 / 2 |W|^2 the gradient is zero: l2 W = mean (onehot - p) x^T
  // and the mean of onehot - p is zero. Recomputed here from the original features, not centred.
  const Labelled train = gaussians(200, 5, 3, 1.0, 1, DType::f64, 4.0);
  const FittedProbe fit = fit_linear_probe(train.features, train.labels, 3);
  REQUIRE(fit.converged);
  const auto w = fit.probe.weight.to_vector(), b = fit.probe.bias.to_vector(), x = train.features.to_vector();
  std::vector<double> gradient(w.size(), 0), bias_gradient(3, 0);
  for (std::size_t i = 0; i < 200; ++i) {
    double logit[3], sum = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      logit[c] = b[c];
      for (std::size_t d = 0; d < 5; ++d) logit[c] += w[c * 5 + d] * x[i * 5 + d];
      sum += std::exp(logit[c]);
    }
    for (std::size_t c = 0; c < 3; ++c) {
      const double residual = (std::exp(logit[c]) / sum - double(train.labels[i] == int(c))) / 200;
      bias_gradient[c] += residual;
      for (std::size_t d = 0; d < 5; ++d) gradient[c * 5 + d] += residual * (x[i * 5 + d]);
    }
  }
  for (std::size_t i = 0; i < w.size(); ++i) CHECK(std::abs(gradient[i] + fit.l2 * w[i]) < 3e-3);
  for (double g : bias_gradient) CHECK(std::abs(g) < 1e-3);
}

TEST_CASE("both probes separate Gaussians as well as the Bayes classifier") {
  // Two classes at distance 2m in one direction: Bayes' accuracy is Phi(m) = 0.9772 for m = 2.
  const Labelled train = gaussians(2000, 8, 2, 2.0, 1), test = gaussians(2000, 8, 2, 2.0, 2);
  const FittedProbe fit = fit_linear_probe(train.features, train.labels, 2);
  CHECK(right(predict(fit.probe, test.features), test.labels) == doctest::Approx(0.9772).epsilon(0.012));
  const LinearProbe trained = train_linear_probe(train.features, train.labels, 2, {.epochs = 10});
  CHECK(right(predict(trained, test.features), test.labels) == doctest::Approx(0.9772).epsilon(0.012));
}

TEST_CASE("features far from zero and of any scale give the same classifier") {
  const Labelled train = gaussians(300, 6, 3, 1.5, 3, DType::f64),
                 test = gaussians(300, 6, 3, 1.5, 4, DType::f64);
  const auto moved = [](const Tensor& t) {
    std::vector<double> x = t.to_vector();
    for (double& e : x) e = 1000 * e + 5000;
    return from_vector(t.shape(), x, t.dtype());
  };
  const FittedProbe plain = fit_linear_probe(train.features, train.labels, 3);
  const FittedProbe other = fit_linear_probe(moved(train.features), train.labels, 3);
  // The penalties are in units of the features' variance. If two of them are equally good on the held-out
  // part, rounding decides.
  const auto a = predict(other.probe, moved(test.features)), b = predict(plain.probe, test.features);
  CHECK(right(a, test.labels) == doctest::Approx(right(b, test.labels)).epsilon(0.05));
}

TEST_CASE("the penalty is chosen on held-out images") {
  // Features without information, more than images: every image can be memorized. If trials were evaluated on
  // their own training images, the weakest penalty would win with 100 %.
  const Labelled noise = gaussians(200, 400, 2, 0.0, 5);
  const FittedProbe fit = fit_linear_probe(noise.features, noise.labels, 2, {.patience = 100});
  REQUIRE(fit.trials.size() == FitOptions{}.penalties.size());
  for (const PenaltyTrial& t : fit.trials) CHECK(t.accuracy < 0.75);
  CHECK(right(predict(fit_linear_probe(noise.features, noise.labels, 2, {.penalties = {1e-6}}).probe,
                      noise.features),
              noise.labels) == 1);
}

TEST_CASE("the probe's choice does not depend on labels outside the training set") {
  // The training rows lie in one array with test rows whose labels change; slices must not leak.
  Labelled all = gaussians(400, 4, 2, 1.0, 6);
  const Tensor train = all.features.slice(0, 300);
  const std::vector<std::int32_t> labels(all.labels.begin(), all.labels.begin() + 300);
  const FittedProbe before = fit_linear_probe(train, labels, 2);
  for (std::int64_t i = 300 * 4; i < 400 * 4; ++i) all.features.data<float>()[i] = NAN;
  const FittedProbe after = fit_linear_probe(train, labels, 2);
  CHECK(after.l2 == before.l2);
  CHECK(same_bits(after.probe.weight, before.probe.weight));
  // while the training labels do matter
  std::vector<std::int32_t> wrong = labels;
  for (std::size_t i = 0; i < wrong.size(); ++i) wrong[i] = std::int32_t(i * 7 / 3 % 2);
  CHECK_FALSE(same_bits(fit_linear_probe(train, wrong, 2).probe.weight, before.probe.weight));
}

// On AVX2, oneDNN's small matrix products depend on the number of threads, so the probe by SGD is
// reproducible only for a fixed number of threads.
TEST_CASE("the fitted probe is bit-identical for 1 and 2 threads, and both probes when run again") {
  const Labelled train = gaussians(600, 40, 10, 0.3, 7);
  const auto fit = [&] { return fit_linear_probe(train.features, train.labels, 10).probe; };
  const auto trained = [&] { return train_linear_probe(train.features, train.labels, 10, {.epochs = 2}); };
  LinearProbe a, b, c, d;
  with_threads(1, [&] { a = fit(), c = trained(); });
  with_threads(2, [&] { b = fit(); });
  with_threads(1, [&] { d = trained(); });
  CHECK(same_bits(a.weight, b.weight));
  CHECK(same_bits(a.bias, b.bias));
  CHECK(same_bits(c.weight, d.weight));
  CHECK(same_bits(fit().weight, a.weight));
}

TEST_CASE("the probe refuses what it cannot use") {
  const Labelled train = gaussians(20, 3, 2, 1.0, 8);
  CHECK_THROWS_WITH(fit_linear_probe(train.features, {0, 1}, 2),
                    "linear probe: features are (20,3), expected (2,D) for as many labels, at least 1");
  CHECK_THROWS_WITH(train_linear_probe(train.features, train.labels, 1),
                    "linear probe: label 1, expected 0 .. 0");
  const Labelled few = gaussians(4, 3, 2, 1.0, 9);
  CHECK_NOTHROW(fit_linear_probe(few.features, few.labels, 2));  // two of a class: one is held out
  CHECK_THROWS_WITH(fit_linear_probe(few.features, {0, 1, 2, 3}, 4),
                    "linear probe: 4 images are too few to hold some out for the choice of the penalty");
}

TEST_CASE("the best classes of a linear classifier have the largest logits") {
  const LinearProbe probe{from_vector({6, 1}, {3, -1, 5, 0, 5, 2}, DType::f64),
                          from_vector({6}, {0, 0, 0, 0, 0, 0}, DType::f64)};
  const Tensor x = from_vector({2, 1}, {1, -1}, DType::f64);
  CHECK(predict_best(probe, x) == std::vector<std::int32_t>{2, 4, 0, 5, 3, 1, 3, 5, 0, 2});
  const LinearProbe two{from_vector({2, 1}, {1, 2}, DType::f64), from_vector({2}, {0, 0}, DType::f64)};
  CHECK(predict_best(two, from_vector({1, 1}, {1}, DType::f64)) ==
        std::vector<std::int32_t>{1, 0, -1, -1, -1});
}

TEST_CASE(
    "SGD's classifier is that of a plain loop: Nesterov's momentum, and a rate that falls along a cosine") {
  const Labelled train = gaussians(40, 3, 2, 1.0, 5, DType::f64);
  const models::TrainOptions o{
      .epochs = 7, .batch = 40, .learning_rate = 0.3, .momentum = 0.9, .weight_decay = 0.01};
  const LinearProbe got = train_linear_probe(train.features, train.labels, 2, o);

  // It begins where a training at rate 0 stays.
  models::TrainOptions still = o;
  still.learning_rate = 0;
  const LinearProbe first = train_linear_probe(train.features, train.labels, 2, still);
  std::vector<double> w = first.weight.to_vector(), b = first.bias.to_vector();
  w.insert(w.end(), b.begin(), b.end());
  std::vector<double> velocity(w.size(), 0.0);
  const std::vector<double> x = train.features.to_vector();
  for (int epoch = 0; epoch < 7; ++epoch) {
    std::vector<double> g(w.size(), 0.0);
    for (std::size_t i = 0; i < 40; ++i) {
      double logit[2], sum = 0;
      for (std::size_t c = 0; c < 2; ++c) {
        logit[c] = w[6 + c];
        for (std::size_t d = 0; d < 3; ++d) logit[c] += w[c * 3 + d] * x[i * 3 + d];
        sum += std::exp(logit[c]);
      }
      for (std::size_t c = 0; c < 2; ++c) {
        const double residual = (std::exp(logit[c]) / sum - double(train.labels[i] == int(c))) / 40;
        g[6 + c] += residual;
        for (std::size_t d = 0; d < 3; ++d) g[c * 3 + d] += residual * x[i * 3 + d];
      }
    }
    const double rate = 0.3 * (1 + std::cos(3.14159265358979323846 * epoch / 7)) / 2;
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double slope = g[i] + (i < 6 ? 0.01 * w[i] : 0);  // biases are not decayed
      velocity[i] = 0.9 * velocity[i] + slope;
      w[i] -= rate * (slope + 0.9 * velocity[i]);
    }
  }
  const auto weight = got.weight.to_vector(), bias = got.bias.to_vector();
  for (std::size_t i = 0; i < 6; ++i) CHECK(weight[i] == doctest::Approx(w[i]).epsilon(1e-10));
  for (std::size_t i = 0; i < 2; ++i) CHECK(bias[i] == doctest::Approx(w[6 + i]).epsilon(1e-10));
}
