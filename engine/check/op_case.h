// A card: one example of an op. gradcheck, the checking modes, the parity test and the benchmark all use it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/random.h"
#include "engine/tape.h"

namespace engine {

struct OpCase {
  const char* name;  // of the op in ops.h; a variant is "batch_norm/relu"

  // Random inputs on the host in f64 for one shape. Those marked with leaf() are differentiated. Keep values
  // away from kinks (see away_from), so that central differences see one side only.
  std::function<Tensors(const Shape&, Random&)> inputs;
  std::function<Tensors(const Tensors&)> apply;  // the op; every output that depends on a leaf is checked

  std::vector<Shape> check;       // small and awkward: ones, odd sizes, one block + 1
  std::vector<Shape> bench = {};  // shapes of real models
  // Inputs for the benchmark where inputs() would be too slow for millions of elements. Kinks do not matter
  // there.
  std::function<Tensors(const Shape&, Random&)> bench_inputs = {};

  double tolerance = 1e-6;  // of gradcheck in f64, relative to 1 + |numeric|
  double step = 1e-6;       // of the central differences

  // The outputs computed by plain loops in f64. Required for ops without a gradient, optional for others.
  std::function<Tensors(const Tensors&)> reference = {};
  double reference_tolerance = 1e-12;

  // Runs in bf16 too (parity, benchmark): input 0 and every input of the same shape as bf16, the rest as f32.
  bool bf16 = false;
  std::function<double(const Shape&)> flops =
      {};  // forward (a third of them) + backward, for the roofline; bytes come from the tensors

  // The kernels are written for whole warps, and are checked at the GPU's block size only, not at one thread
  // a block.
  bool whole_warps = false;

  // The kernels add with a float atomicAdd, so the order of threads changes the rounding. Runs may differ as
  // much as sums of as many addends can (card_checks.cpp), instead of by nothing.
  bool float_atomics = false;

  static std::vector<OpCase>& all();
};

// At namespace scope in NAME.case.cpp:  const AddCase case_{{.name = "relu", ...}};
struct AddCase {
  AddCase(OpCase c) { OpCase::all().push_back(std::move(c)); }
};

Tensor uniform(const Shape&, Random&, double low = -1, double high = 1);  // f64, host
Tensor away_from(double kink, const Shape&, Random&, double gap = 0.05);  // uniform, |x - kink| >= gap
Tensor distinct(const Shape&,
                Random&);  // a random permutation of evenly spaced values: no ties (max pool, top-k)

}  // namespace engine
