#include "engine/check/card_checks.h"

#include <algorithm>
#include <cmath>

#include "engine/check/accumulation.h"
#include "engine/check/gradcheck.h"
#include "kernels/base/bf16.h"
#include "kernels/base/check_findings.h"
#include "kernels/base/check_options.h"

namespace engine {
namespace {

// Restores options and threads, also when a check throws.
struct Restore {
  kernels::CheckOptions options = kernels::check_options();
  Threads threads = cpu_threads();
  // Only `repeat` lets ThreadSanitizer forget before each launch, which takes time: it runs every kernel.
  explicit Restore(Threads t, bool forget_history = false) {
    cpu_threads() = t;
    kernels::check_options().forget_history = forget_history;
  }
  ~Restore() {
    kernels::check_options() = options;
    cpu_threads() = threads;
  }
};

// Describes the first value that differs by more than `bound`, relative to 1 or to the largest value of its
// tensor.
std::string first_difference(const CardRun& got, const CardRun& expected, double bound = 0) {
  const auto in = [bound](const char* what, const Tensors& a, const Tensors& b) -> std::string {
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      const auto x = a[i].to_vector(), y = b[i].to_vector();
      double allowed = bound;
      for (double v : y) allowed = std::max(allowed, bound * std::abs(v));
      for (std::size_t j = 0; j < std::min(x.size(), y.size()); ++j)
        if (!(std::abs(x[j] - y[j]) <= allowed) && !(std::isnan(x[j]) && std::isnan(y[j]))) {
          const auto [now, before] = told_apart(x[j], y[j]);
          return concat_text(what, " ", i, " element ", j, " is ", now, ", before ", before);
        }
    }
    return {};
  };
  const std::string output = in("output", got.outputs, expected.outputs);
  return output.empty() ? in("gradient", got.gradients, expected.gradients) : output;
}

// The largest difference that another order of the float atomicAdds since clear() can make: that of a sum of
// all addends. (How many of them have gone into which element is not known.)
double float_atomics_bound() {
  const kernels::CheckFindings& f = kernels::check_findings();
  return 2 * double(f.float_adds) * f.rounding;
}

// Runs of a card that must agree: bit for bit, or within the bound of float atomics.
class SameResults {
 public:
  SameResults(const OpCase& c, const Shape& shape, std::uint64_t seed) : c_(c), shape_(shape), seed_(seed) {
    kernels::check_findings().clear();
    first_ = once();
    bound_ = float_atomics_bound();
  }
  // "" if another run gives the same
  std::string again() const {
    const CardRun run = once();
    if (bit_equal(run, first_)) return {};
    const std::string more = first_difference(run, first_, bound_);
    if (more.empty() && c_.float_atomics) return {};
    const std::string wrong = more.empty() ? first_difference(run, first_) : more;
    if (more.empty())
      return concat_text(wrong, ", as rounding explains: a card says .float_atomics = true if that is meant");
    return c_.float_atomics && bound_ > 0
               ? concat_text(wrong, ", expected at most ", bound_, " apart by float atomics")
               : wrong;
  }

 private:
  CardRun once() const { return run_card(c_, shape_, seed_, DType::f64, cpu); }
  const OpCase& c_;
  const Shape& shape_;
  std::uint64_t seed_;
  CardRun first_;
  double bound_ = 0;
};

// Threads for checks that run at either block size.
Threads any_threads(const OpCase& c) { return c.whole_warps ? Threads::gpu : cpu_threads(); }

std::string run_gradcheck(const OpCase& c, const Shape& shape, std::uint64_t seed, Threads threads) {
  const Restore restore(threads);
  const GradcheckResult r = gradcheck(c, shape, seed);
  return r.failure ? r.failure->text() : r.entries == 0 ? "nothing was compared" : "";
}
std::string gradcheck_host(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  return c.whole_warps ? "" : run_gradcheck(c, shape, seed, Threads::host);
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
  if (c.whole_warps) return {};
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

std::string accumulation_host(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  const Restore restore(Threads::host);
  return c.whole_warps ? "" : accumulation(c, shape, seed);
}
std::string accumulation_gpu(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  const Restore restore(Threads::gpu);
  return accumulation(c, shape, seed);
}

// What lanes give that take no part is used if other values of it give other results.
std::string lanes(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  const Restore restore(Threads::gpu);
  kernels::check_options().lane_byte = 0xff;
  const SameResults natural(c, shape, seed);
  const kernels::CheckFindings& findings = kernels::check_findings();
  if (!findings.undefined_lane) return {};
  for (unsigned char byte : {0x7fu, 0x00u}) {
    kernels::check_options().lane_byte = byte;
    const std::string wrong = natural.again();
    if (!wrong.empty()) return concat_text(findings.undefined_lane_place, ", and uses the value: ", wrong);
  }
  return {};
}

std::string repeated(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  const Restore restore(any_threads(c), true);
  const SameResults first(c, shape, seed);
  for (int i = 2; i <= 3; ++i)
    if (const std::string wrong = first.again(); !wrong.empty()) return concat_text("run ", i, ": ", wrong);
  return {};
}

std::string orders(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  const Restore restore(Threads::gpu);
  kernels::check_options().order_seed = 0;
  const SameResults natural(c, shape, seed);
  for (std::uint64_t order = 1; order <= 16; ++order) {
    kernels::check_options().order_seed = order;
    if (const std::string wrong = natural.again(); !wrong.empty())
      return concat_text("order ", order, ": ", wrong);
  }
  return {};
}

std::string poison(const OpCase& c, const Shape& shape, std::uint64_t seed) {
  const Restore restore(Threads::gpu);
  kernels::CheckOptions& options = kernels::check_options();
  options.poison_shared = options.poison_memory = false;
  const SameResults clean(c, shape, seed);
  for (unsigned char byte : {0xffu, 0x7fu, 0x00u}) {
    options.poison_shared = options.poison_memory = true;
    options.poison_byte = byte;
    if (const std::string wrong = clean.again(); !wrong.empty())
      return concat_text("poison ", int(byte), ": ", wrong);
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
    std::vector<CardCheck> c = {
        {"lanes", "uses of what a shuffle reads from a lane that takes no part", lanes, true}};
    if (!sanitized)
      c.insert(c.end(),
               {{"gradcheck", "wrong gradients, in f64, one thread a block", gradcheck_host},
                {"gradcheck/gpu", "wrong gradients, in f64, at the GPU's block size; divergent barriers",
                 gradcheck_gpu},
                {"block sizes", "results that depend on the number of threads", block_sizes},
                {"accumulate", "gradients that backward overwrites or adds wrongly where it must add",
                 accumulation_host},
                {"bf16", "bf16 errors larger than its storage explains", in_bf16}});
    c.push_back({"accumulate/gpu", "the same at the GPU's block size", accumulation_gpu});
    c.push_back({"repeat", "a second or third run that is not bit-identical", repeated});
    c.push_back({"orders",
                 "other orders of threads and blocks that are not bit-identical: races, float atomics that "
                 "the card does not declare",
                 orders});
    c.push_back({"poison", "reads of uninitialized memory", poison});
    c.push_back({"f32", "f32 errors larger than its 24 bits explain", in_f32});
    return c;
  }();
  return checks;
}

}  // namespace engine
