#include "models/probes/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

namespace models {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double largest(const Vector& v) {
  double most = 0;
  for (double e : v) most = std::max(most, std::abs(e));
  return most;
}

struct Pair {
  Vector step, change;  // x_k+1 - x_k and g_k+1 - g_k
  double curvature;     // their dot product, above 0
};

// -H g, where H is the approximation of the inverse Hessian from the pairs.
Vector direction(const std::deque<Pair>& pairs, const Vector& gradient) {
  Vector d = gradient, alpha(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    alpha[i] = dot(pairs[i].step, d) / pairs[i].curvature;
    for (std::size_t j = 0; j < d.size(); ++j) d[j] -= alpha[i] * pairs[i].change[j];
  }
  const double scale =
      pairs.empty() ? 1 : pairs.back().curvature / dot(pairs.back().change, pairs.back().change);
  for (double& e : d) e *= scale;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double beta = dot(pairs[i].change, d) / pairs[i].curvature;
    for (std::size_t j = 0; j < d.size(); ++j) d[j] += (alpha[i] - beta) * pairs[i].step[j];
  }
  for (double& e : d) e = -e;
  return d;
}

}  // namespace

LbfgsResult minimize(const Objective& f, Vector& x, const LbfgsOptions& o) {
  Vector gradient(x.size()), next_x(x.size()), next_gradient(x.size());
  LbfgsResult r{f(x, gradient), 0, 1, false};
  std::deque<Pair> pairs;
  while (!(r.converged = largest(gradient) <= o.tolerance) && r.iterations < o.iterations) {
    Vector d = direction(pairs, gradient);
    double slope = dot(gradient, d);
    if (!(slope < 0)) {  // not a descent direction: rounding has made the pairs useless
      pairs.clear();
      d = direction(pairs, gradient);
      slope = dot(gradient, d);
    }

    // The weak Wolfe conditions by bisection (Lewis & Overton 2013): f falls enough, and the step is not too
    // short. Near the optimum the decrease of f is smaller than its rounding error, and the slopes decide
    // (the approximate Wolfe condition, Hager & Zhang 2005, eq. 4.1, with delta = 1e-4).
    double t = pairs.empty() ? std::min(1.0, 1 / std::sqrt(-slope)) : 1, low = 0, next = 0;
    double high = std::numeric_limits<double>::infinity();
    bool found = false;
    for (int trial = 0; trial < 40 && !found; ++trial) {
      for (std::size_t j = 0; j < x.size(); ++j) next_x[j] = x[j] + t * d[j];
      next = f(next_x, next_gradient);
      ++r.evaluations;
      const double next_slope = dot(next_gradient, d);
      const bool falls = next <= r.value + 1e-4 * t * slope;
      const bool hidden =
          next <= r.value + o.precision * std::abs(r.value) && next_slope <= (2e-4 - 1) * slope;
      if (!falls && !hidden)
        high = t;
      else if (next_slope < 0.9 * slope)
        low = t;
      else
        found = true;
      if (!found) t = std::isinf(high) ? 2 * low : (low + high) / 2;
    }
    if (!found) return r;

    Pair pair{Vector(x.size()), Vector(x.size()), 0};
    for (std::size_t j = 0; j < x.size(); ++j) {
      pair.step[j] = next_x[j] - x[j];
      pair.change[j] = next_gradient[j] - gradient[j];
    }
    pair.curvature = dot(pair.step, pair.change);
    if (pair.curvature > 0) pairs.push_back(std::move(pair));
    if (int(pairs.size()) > o.memory) pairs.pop_front();
    x.swap(next_x);
    gradient.swap(next_gradient);
    r.value = next;
    ++r.iterations;
  }
  return r;
}

}  // namespace models
