// L-BFGS (Nocedal & Wright, algorithm 7.5): minimizes a smooth function of a few million variables from its
// value and gradient. Deterministic.
#pragma once

#include <functional>
#include <vector>

namespace models {

// Gives f(x) and overwrites the gradient, which has the size of x.
using Objective = std::function<double(const std::vector<double>& x, std::vector<double>& gradient)>;

struct LbfgsOptions {
  int memory = 10;           // pairs of steps and gradient changes
  int iterations = 200;      // at most
  double tolerance = 1e-5;   // done when no element of the gradient is larger
  double precision = 1e-14;  // relative error of f: where it falls by less, its slope must say that it falls
};

struct LbfgsResult {
  double value;
  int iterations, evaluations;
  bool converged;  // false: out of iterations, or no step made f smaller (the limit of its precision)
};

LbfgsResult minimize(const Objective&, std::vector<double>& x, const LbfgsOptions&);

}  // namespace models
