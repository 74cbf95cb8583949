// Compares each card on the GPU with the CPU device, in one process: f64 up to rounding, f32 and bf16 up to
// their precision. Skipped with a message if there is no GPU. DYAD_CUDA builds only.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/check/gradcheck.h"
#include "engine/memory/cuda_device.h"

using namespace engine;

namespace {

constexpr std::uint64_t kSeed = 11;

// |a - b| / |b| over all elements of all tensors; NaN where either has one.
double distance(const Tensors& a, const Tensors& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    REQUIRE(a[i].shape() == b[i].shape());
    REQUIRE(a[i].dtype() == b[i].dtype());
    const auto x = a[i].to_vector(), y = b[i].to_vector();
    for (std::size_t j = 0; j < y.size(); ++j) {
      difference += (x[j] - y[j]) * (x[j] - y[j]);
      norm += y[j] * y[j];
    }
  }
  return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

// Calls f(card, shape) for each card and shape, if there is a GPU.
template <class F>
void for_each_card_on_gpu(F f) {
  int compared = 0;
  std::string why;
  if (cuda::count(&why) > 0)
    for (const OpCase& c : OpCase::all())
      for (const Shape& shape : c.check) {
        const std::string at = concat_text(c.name, " ", shape);
        INFO(at);
        compared += f(c, shape);
      }
  if (compared == 0) MESSAGE("parity: 0 cards compared, no CUDA device can be used: " << why);
}

void compare(const OpCase& c, const Shape& shape, DType dtype, double outputs, double gradients) {
  const CardRun gpu = run_card(c, shape, kSeed, dtype, {Backend::cuda, 0});
  const CardRun host = run_card(c, shape, kSeed, dtype, cpu);
  // a card's larger reference_tolerance applies here too: augment may differ by one level of 255
  CHECK(distance(gpu.outputs, host.outputs) < std::max(outputs, c.reference_tolerance));
  CHECK(distance(gpu.gradients, host.gradients) < gradients);
}

}  // namespace

TEST_CASE("parity: the GPU's f32 is the CPU's") {
  for_each_card_on_gpu([](const OpCase& c, const Shape& shape) {
    compare(c, shape, DType::f32, 1e-5, 1e-4);
    return 1;
  });
}

TEST_CASE("parity: the GPU's f64 is the CPU's") {
  for_each_card_on_gpu([](const OpCase& c, const Shape& shape) {
    compare(c, shape, DType::f64, 1e-12, 1e-11);
    return 1;
  });
}

TEST_CASE("parity: the GPU's bf16 is the CPU's") {
  for_each_card_on_gpu([](const OpCase& c, const Shape& shape) {
    if (!c.bf16) return 0;
    compare(c, shape, DType::bf16, 2e-2, 4e-2);
    return 1;
  });
}

TEST_CASE("parity: two runs of forward and backward on the GPU are bit-identical") {
  for_each_card_on_gpu([](const OpCase& c, const Shape& shape) {
    const Device gpu{Backend::cuda, 0};
    CHECK(bit_equal(run_card(c, shape, kSeed, DType::f32, gpu), run_card(c, shape, kSeed, DType::f32, gpu)));
    return 1;
  });
}
