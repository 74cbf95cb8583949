// Every card in every checking mode that needs no sanitizer: gradcheck at both block sizes, random orders of
// threads and blocks, poisoned memory, backward twice, f32 and bf16 against f64. The asan and tsan presets
// run the same tests.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "engine/gradcheck.h"
#include "kernels/check_options.h"

using namespace engine;

namespace {

constexpr std::uint64_t kSeed = 7;

// Options and threads as they were, also when a check throws.
struct Restore {
  kernels::CheckOptions options = kernels::check_options();
  Threads threads = cpu_threads();
  ~Restore() {
    kernels::check_options() = options;
    cpu_threads() = threads;
  }
};

template <class F>
void for_each_card(F f) {
  REQUIRE(!OpCase::all().empty());
  for (const OpCase& c : OpCase::all())
    for (const Shape& shape : c.check) {
      const std::string at = concat_text(c.name, " ", shape);
      INFO(at);
      f(c, shape);
    }
}

CardRun run(const OpCase& c, const Shape& shape, DType dtype = DType::f64) {
  return run_card(c, shape, kSeed, dtype, cpu);
}

// |a - b| / |b|, over all elements of all tensors.
double distance(const Tensors& a, const Tensors& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const auto x = a[i].to_vector(), y = b[i].to_vector();
    for (std::size_t j = 0; j < y.size(); ++j) {
      difference += (x[j] - y[j]) * (x[j] - y[j]);
      norm += y[j] * y[j];
    }
  }
  return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

}  // namespace

TEST_CASE("gradcheck at the GPU's block size") {
  const Restore restore;
  cpu_threads() = Threads::gpu;
#ifndef DYAD_SIMT_ONLY  // sanitizers run each card once, below: a Jacobian is thousands of runs
  for_each_card([](const OpCase& c, const Shape& shape) {
    const GradcheckResult r = gradcheck(c, shape, kSeed);
    CHECK_MESSAGE(!r.failure, (r.failure ? r.failure->text() : ""));
    CHECK(r.entries > 0);
  });
#endif
}

#ifndef DYAD_SIMT_ONLY
TEST_CASE("gradcheck at one thread a block") {
  const Restore restore;
  cpu_threads() = Threads::host;
  for_each_card([](const OpCase& c, const Shape& shape) {
    const GradcheckResult r = gradcheck(c, shape, kSeed);
    CHECK_MESSAGE(!r.failure, (r.failure ? r.failure->text() : ""));
  });
}

TEST_CASE("both block sizes agree in f64") {
  const Restore restore;
  for_each_card([](const OpCase& c, const Shape& shape) {
    cpu_threads() = Threads::host;
    const CardRun host = run(c, shape);
    cpu_threads() = Threads::gpu;
    const CardRun gpu = run(c, shape);
    CHECK(distance(gpu.outputs, host.outputs) < 1e-12);
    CHECK(distance(gpu.gradients, host.gradients) < 1e-11);
  });
}
#endif

TEST_CASE("forward and backward run twice give the same bits") {
  for_each_card([](const OpCase& c, const Shape& shape) { CHECK(bit_equal(run(c, shape), run(c, shape))); });
}

TEST_CASE("16 orders of threads and blocks give the same bits") {
  const Restore restore;
  cpu_threads() = Threads::gpu;
  for_each_card([](const OpCase& c, const Shape& shape) {
    kernels::check_options().order_seed = 0;
    const CardRun natural = run(c, shape);
    for (std::uint64_t seed = 1; seed <= 16; ++seed) {
      kernels::check_options().order_seed = seed;
      CHECK(bit_equal(run(c, shape), natural));
    }
  });
}

TEST_CASE("poisoned shared and device memory never shows") {
  const Restore restore;
  cpu_threads() = Threads::gpu;
  for_each_card([](const OpCase& c, const Shape& shape) {
    kernels::CheckOptions& options = kernels::check_options();
    options.poison_shared = options.poison_memory = false;
    const CardRun clean = run(c, shape);
    for (unsigned char byte : {0xffu, 0x7fu, 0x00u}) {
      options.poison_shared = options.poison_memory = true;
      options.poison_byte = byte;
      CHECK(bit_equal(run(c, shape), clean));
    }
  });
}

TEST_CASE("f32 agrees with f64") {
  const Restore restore;
  cpu_threads() = Threads::gpu;
  for_each_card([](const OpCase& c, const Shape& shape) {
    const CardRun exact = run(c, shape), got = run(c, shape, DType::f32);
    CHECK(distance(got.outputs, exact.outputs) < 1e-5);
    CHECK(distance(got.gradients, exact.gradients) < 1e-4);
  });
}

#ifndef DYAD_SIMT_ONLY
TEST_CASE("bf16 storage agrees with f64 to its 8 bits") {
  const Restore restore;
  cpu_threads() = Threads::gpu;
  for_each_card([](const OpCase& c, const Shape& shape) {
    if (!c.bf16) return;
    const CardRun exact = run(c, shape), got = run(c, shape, DType::bf16);
    CHECK(distance(got.outputs, exact.outputs) < 2e-2);
    CHECK(distance(got.gradients, exact.gradients) < 4e-2);
  });
}
#endif

TEST_CASE("a wrong gradient, a kink and a wrong reference are found") {
  const OpCase wrong{
      .name = "wrong",
      .inputs = [](const Shape& s, Random& r) { return Tensors{leaf(uniform(s, r))}; },
      .apply =
          [](const Tensors& in) {
            const Tensor y = in[0].detach();
            return Tensors{record("wrong", y.clone(), in, [](const Tensor& dy, Gradients& out) {
              Tensor g = dy.clone();
              g.data<double>()[g.numel() - 1] *= 1.001;
              out.give(0, g);
            })};
          },
      .check = {{3}}};
  const GradcheckResult r = gradcheck(wrong, {3}, kSeed);
  REQUIRE(r.failure);
  CHECK(r.failure->element == 2);
  CHECK(r.failure->row == 2);
  CHECK(r.failure->text().find(
            "wrong (3): output 0 element 2, input 0 element 2: analytic 1.001, numeric 1") == 0);

  OpCase reference = wrong;
  reference.reference = [](const Tensors& in) {
    Tensor y = in[0].clone();
    y.data<double>()[0] += 1e-9;
    return Tensors{y};
  };
  REQUIRE(gradcheck(reference, {3}, kSeed).failure);
  CHECK(gradcheck(reference, {3}, kSeed).failure->note == "against the reference");
}
