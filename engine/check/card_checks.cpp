#include "engine/check/card_checks.h"

#include <algorithm>
#include <cmath>

#include "engine/check/gradcheck.h"
#include "kernels/base/bf16.h"
#include "kernels/base/check_options.h"

namespace engine {
namespace {

// Restores options and threads, also when a check throws.
struct Restore {
  kernels::CheckOptions options = kernels::check_options();
  Threads threads = cpu_threads();
  explicit Restore(Threads t) { cpu_threads() = t; }
  ~Restore() {
    kernels::check_options() = options;
    cpu_threads() = threads;
  }
};

// Describes the first value that differs.
std::string first_difference(const CardRun& got, const CardRun& expected) {
  const auto in = [](const char* what, const Tensors& a, const Tensors& b) -> std::string {
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      const auto x = a[i].to_vector(), y = b[i].to_vector();
      for (std::size_t j = 0; j < std::min(x.size(), y.size()); ++j)
        if (!(x[j] == y[j]) && !(std::isnan(x[j]) && std::isnan(y[j])))
          return concat_text(what, " ", i, " element ", j, " is ", x[j], ", before ", y[j]);
    }
    return {};
  };
  const std::string output = in("output", got.outputs, expected.outputs);
  return output.empty() ? in("gradient", got.gradients, expected.gradients) : output;
}

std::string run_gradcheck(const OpCase& c, const Shape& shape, std::uint64_t seed, Threads threads) {
  const Restore restore(threads);
  const GradcheckResult r = gradcheck(c, shape, seed);
  return r.failure ? r.failure->text() : r.entries == 0 ? "nothing was compared" : "";
}
std::string gradcheck_host(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  return run_gradcheck(c, shape, seed, Threads::host);
}
std::string gradcheck_gpu(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  return run_gradcheck(c, shape, seed, Threads::gpu);
}

CardRun run(const OpCase& c, const Shape& shape, std::uint64_t seed, DType dtype = DType::f64) {
  return run_card(c, shape, seed, dtype, cpu);
}

std::string exceeds(const char* what, double error, double bound) {
  return error <= bound
             ? ""
             : concat_text(what, " are off by ", error, ", expected at most ", bound);  // also for NaN
}

constexpr double kFloor = 0.1;  // inputs are of the order of 1

std::string block_sizes(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  const Restore restore(Threads::host);
  const CardRun host = run(c, shape, seed);
  cpu_threads() = Threads::gpu;
  const CardRun gpu = run(c, shape, seed);
  // reference_tolerance is larger where a card's outputs are rounded to levels
  const std::string outputs =
      exceeds("outputs", distance(gpu.outputs, host.outputs, kFloor), std::max(1e-12, c.reference_tolerance));
  return outputs.empty() ? exceeds("gradients", distance(gpu.gradients, host.gradients, kFloor), 1e-11)
                         : outputs;
}

std::string repeated(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  const CardRun first = run(c, shape, seed);
  for (int i = 2; i <= 3; ++i) {
    const CardRun again = run(c, shape, seed);
    if (!bit_equal(again, first)) return concat_text("run ", i, ": ", first_difference(again, first));
  }
  return {};
}

std::string orders(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  const Restore restore(Threads::gpu);
  kernels::check_options().order_seed = 0;
  const CardRun natural = run(c, shape, seed);
  for (std::uint64_t order = 1; order <= 16; ++order) {
    kernels::check_options().order_seed = order;
    const CardRun shuffled = run(c, shape, seed);
    if (!bit_equal(shuffled, natural))
      return concat_text("order ", order, ": ", first_difference(shuffled, natural));
  }
  return {};
}

std::string poison(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  const Restore restore(Threads::gpu);
  kernels::CheckOptions& options = kernels::check_options();
  options.poison_shared = options.poison_memory = false;
  const CardRun clean = run(c, shape, seed);
  for (unsigned char byte : {0xffu, 0x7fu, 0x00u}) {
    options.poison_shared = options.poison_memory = true;
    options.poison_byte = byte;
    const CardRun poisoned = run(c, shape, seed);
    if (!bit_equal(poisoned, clean))
      return concat_text("poison ", int(byte), ": ", first_difference(poisoned, clean));
  }
  return {};
}

std::string in_f32(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  const Restore restore(Threads::gpu);
  const CardRun exact = run(c, shape, seed), got = run(c, shape, seed, DType::f32);
  const std::string outputs =
      exceeds("outputs", distance(got.outputs, exact.outputs, kFloor), std::max(1e-5, c.reference_tolerance));
  return outputs.empty() ? exceeds("gradients", distance(got.gradients, exact.gradients, kFloor), 1e-4)
                         : outputs;
}

// bf16 has 8 significant bits: rounding changes a value by at most u = 1/256 of it. Inputs are rounded before
// the kernel sees them, so an exact kernel would differ by the rounding of its results, u each. A kernel may
// also store intermediate results in bf16. Its result is accepted if it differs no more than results of
// inputs that are perturbed by twice their rounding. The bound therefore follows from the op and its inputs:
// wide for an ill-conditioned gradient, narrow for a sum.
constexpr double kBf16Rounding = 1. / 256;

CardRun run_perturbed(const OpCase& c, const Shape& shape, std::uint64_t seed, double relative,
                      std::uint64_t draw) {
  OpCase perturbed = c;
  perturbed.inputs = [&](const Shape& s, Random& random) {
    const Tensors in = c.inputs(s, random);
    Random noise(seed, draw, 0, 0xBF16);
    for (const Tensor& t : in) {
      if (t.dtype() != DType::f64) continue;
      const bool activation = t.shape() == in[0].shape();  // the same rule as in converted()
      for (std::int64_t i = 0; i < t.numel(); ++i) {
        double& x = t.data<double>()[i];
        x = (activation ? double(kernels::bf16(x)) : x) * (1 + relative * noise.uniform(-1, 1));
      }
    }
    return in;
  };
  return run_card(perturbed, shape, seed, DType::f64, cpu);
}

std::string in_bf16(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  if (!c.bf16) return {};
  const Restore restore(Threads::gpu);
  const CardRun exact = run_perturbed(c, shape, seed, 0, 0), got = run(c, shape, seed, DType::bf16);
  double outputs = 0, gradients = 0;
  for (std::uint64_t draw = 1; draw <= 3; ++draw) {
    const CardRun other = run_perturbed(c, shape, seed, 2 * kBf16Rounding, draw);
    outputs = std::max(outputs, distance(other.outputs, exact.outputs, kFloor));
    gradients = std::max(gradients, distance(other.gradients, exact.gradients, kFloor));
  }
  const std::string wrong =
      exceeds("outputs", distance(got.outputs, exact.outputs, kFloor), kBf16Rounding + outputs);
  // the incoming gradient is rounded too, which adds another u
  return wrong.empty() ? exceeds("gradients", distance(got.gradients, exact.gradients, kFloor),
                                 2 * kBf16Rounding + gradients)
                       : wrong;
}

}  // namespace

double distance(const Tensors& a, const Tensors& b, double floor) {
  require(a.size() == b.size(), a.size(), " tensors, expected ", b.size());
  double difference = 0, square = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const auto x = a[i].to_vector(), y = b[i].to_vector();
    require(x.size() == y.size(), "tensor ", i, " is ", a[i].shape(), ", expected ", b[i].shape());
    for (std::size_t j = 0; j < y.size(); ++j) {
      difference += (x[j] - y[j]) * (x[j] - y[j]);
      square += y[j] * y[j];
    }
  }
  const double norm = std::max(std::sqrt(square), floor);
  return std::sqrt(difference) / (norm > 0 ? norm : 1);
}

const std::vector<CardCheck>& card_checks() {
#ifdef DYAD_SIMT_ONLY
  constexpr bool sanitized = true;
#else
  constexpr bool sanitized = false;
#endif
  static const std::vector<CardCheck> checks = [] {
    std::vector<CardCheck> c;
    if (!sanitized)
      c = {{"gradcheck", "wrong gradients, in f64, one thread a block", gradcheck_host},
           {"gradcheck/gpu", "wrong gradients, in f64, at the GPU's block size; divergent barriers",
            gradcheck_gpu},
           {"block sizes", "results that depend on the number of threads", block_sizes},
           {"bf16", "bf16 errors larger than its storage explains", in_bf16}};
    c.push_back({"repeat", "a second or third run that is not bit-identical", repeated});
    c.push_back({"orders",
                 "other orders of threads and blocks that are not bit-identical: races, float atomics",
                 orders});
    c.push_back({"poison", "reads of uninitialized memory", poison});
    c.push_back({"f32", "f32 errors larger than its 24 bits explain", in_f32});
    return c;
  }();
  return checks;
}

}  // namespace engine
