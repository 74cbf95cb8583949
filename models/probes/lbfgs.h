// L-BFGS (Nocedal & Wright, algorithm 7.5): minimizes a smooth function of a few million variables from its
// value and gradient. Deterministic.
#pragma once

#include <functional>
#include <vector>

namespace models {

// Returns f(x) and overwrites the gradient, which has the size of x.
using Objective = std::function<double(const std::vector<double>& x, std::vector<double>& gradient)>;

struct LbfgsOptions {
  int memory = 10;           // pairs of steps and gradient changes
  int iterations = 200;      // at most
  double tolerance = 1e-5;   // stops when no element of the gradient is larger
  double precision = 1e-14;  // relative error of f; a smaller decrease of f is judged by its slope
};

struct LbfgsResult {
  double value;
  int iterations, evaluations;
  bool converged;  // false: all iterations were used, or no step made f smaller (its precision is reached)
};

LbfgsResult minimize(const Objective&, std::vector<double>& x, const LbfgsOptions&);

}  // namespace models
