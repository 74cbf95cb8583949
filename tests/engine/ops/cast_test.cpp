// Casts between all pairs of types, and their gradients.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/ops.h"
#include "engine/tape.h"

using namespace engine;

namespace {

constexpr DType types[] = {DType::f32, DType::f64, DType::bf16};

std::vector<double> rounded(std::vector<double> v, DType t) {
  for (double& x : v)
    x = t == DType::bf16  ? double(static_cast<float>(bf16(x)))
        : t == DType::f32 ? double(static_cast<float>(x))
                          : x;
  return v;
}

}  // namespace

TEST_CASE("a cast rounds to nearest, and its gradient is cast back and accumulated") {
  const std::vector<double> values{1.0, 1.0 / 3, -2.7182818284590452, 1e-3, 0.0, 123456.789};
  const std::vector<double> gradients{0.1, 1.0 / 7, -3, 1e5, 2, 0.3};
  for (DType from : types)
    for (DType to : types) {
      CAPTURE(name(from));
      CAPTURE(name(to));
      const Tensor x = leaf(from_vector({6}, values, from));
      const Tensor y = cast(x, to);
      CHECK(y.dtype() == to);
      CHECK(y.to_vector() == rounded(rounded(values, from), to));

      const Tensor dy = from_vector({6}, gradients, to);
      backward(y, dy);
      const std::vector<double> once = rounded(rounded(gradients, to), from);
      CHECK(gradient(x).dtype() == from);
      CHECK(gradient(x).to_vector() == once);
      backward(cast(x, to), dy);  // adds
      std::vector<double> twice = once;
      for (std::size_t i = 0; i < twice.size(); ++i) twice[i] += rounded(gradients, to)[i];
      CHECK(gradient(x).to_vector() == rounded(twice, from));
    }
}

TEST_CASE("ties round to even, NaN and infinity are kept") {
  const double inf = std::numeric_limits<double>::infinity();
  // bf16 has 8 bits: 1 + 2^-8 lies between 1 and 1 + 2^-7, 1 + 3 2^-8 between 1 + 2^-7 and 1 + 2^-6
  const Tensor x = from_vector({5}, {1 + 1.0 / 256, 1 + 3.0 / 256, inf, -inf, std::nan("")}, DType::f32);
  const std::vector<double> y = cast(x, DType::bf16).to_vector();
  CHECK(y[0] == 1);
  CHECK(y[1] == 1 + 1.0 / 64);
  CHECK(y[2] == inf);
  CHECK(y[3] == -inf);
  CHECK(std::isnan(y[4]));
}

TEST_CASE("ReLU propagates NaN") {
  const double nan = std::nan("");
  const Tensor x = from_vector({2}, {nan, -1}, DType::f32), zero = zeros({2}, DType::f32, cpu);
  for (const Tensor& y : {relu(x), add_relu(x, zero), bias_relu(x, zero)}) {
    CHECK(std::isnan(y.to_vector()[0]));
    CHECK(y.to_vector()[1] == 0);
  }
}

TEST_CASE("a cast to an integer type is refused") {
  CHECK_THROWS_WITH(cast(zeros({1}, DType::f32, cpu), DType::i32), "cast: to i32, expected f32, f64 or bf16");
}
