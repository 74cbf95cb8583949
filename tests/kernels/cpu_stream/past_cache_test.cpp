// Large arrays are written with non-temporal stores (kernels/tiles/vector.h) if they are aligned to a vector,
// else with ordinary stores. The same launch into both kinds of array is bit-identical.
#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "engine/random.h"
#include "kernels/convolution/convolution.h"
#include "kernels/kernels.h"

using kernels::Algorithm;
using kernels::ConvolutionShape;
using kernels::CpuStream;

namespace {

// Memory for n floats, `offset` floats after a 64-byte boundary, filled with NaN.
class Floats {
 public:
  explicit Floats(std::size_t n, std::size_t offset = 0)
      : size(n), memory_(new (std::align_val_t(64)) float[n + offset]), data(memory_.get() + offset) {
    std::memset(data, 0xff, n * sizeof(float));
  }
  bool operator==(const Floats& o) const {
    return size == o.size && std::memcmp(data, o.data, size * sizeof(float)) == 0;
  }

  const std::size_t size;

 private:
  struct Delete {
    void operator()(float* p) const { ::operator delete[](p, std::align_val_t(64)); }
  };
  std::unique_ptr<float[], Delete> memory_;

 public:
  float* const data;
};

std::vector<float> random_floats(std::size_t n, std::uint64_t seed) {
  engine::Random random(seed);
  std::vector<float> v(n);
  for (float& x : v) x = float(random.uniform(-1, 1));
  return v;
}

bool finite(const Floats& f) {
  for (std::size_t i = 0; i < f.size; ++i)
    if (!(f.data[i] - f.data[i] == 0)) return false;
  return true;
}

// f(array) launches a kernel that writes the array.
template <class F>
void check_both_ways(std::size_t n, F f) {
  Floats past(n), ordinary(n, 1);
  f(past.data);
  f(ordinary.data);
  CHECK(finite(past));
  CHECK(past == ordinary);
}

}  // namespace

TEST_CASE("non-temporal stores: batch norm's output and data gradient") {
  constexpr std::int64_t R = 67001, C = 64;  // 17 MB
  const auto x = random_floats(R * C, 1), dy = random_floats(R * C, 2),
             statistics = random_floats(2 * C + 1, 3), weight = random_floats(C, 4),
             bias = random_floats(C, 5), sums = random_floats(2 * C, 6);
  for (bool relu : {false, true}) {
    check_both_ways(R * C, [&](float* y) {
      kernels::batch_norm_apply(CpuStream{}, R, C, relu, x.data(), statistics.data(), weight.data(),
                                bias.data(), dy.data(), y);
    });
    check_both_ways(R * C, [&](float* dx) {
      kernels::batch_norm_backward_apply(CpuStream{}, R, C, relu, x.data(),
                                         static_cast<const float*>(nullptr), dy.data(), statistics.data(),
                                         weight.data(), bias.data(), sums.data(), dx, false);
    });
  }
}

TEST_CASE("non-temporal stores: Winograd's images") {
  const ConvolutionShape s{19, 31, 30, 240, 256, 3, 3, 1, 1};  // 17 MB in and out
  const auto x = random_floats(s.n * s.h * s.w * s.c, 1), filter = random_floats(s.k * 9 * s.c, 2);
  const auto dy = random_floats(s.n * s.p() * s.q() * s.k, 3);
  using kernels::Pass;
  const auto bytes = [&](Pass pass) {
    return kernels::convolution_workspace_bytes<CpuStream, float>(s, pass, Algorithm::winograd) /
               sizeof(float) +
           1;
  };
  check_both_ways(dy.size(), [&](float* y) {
    kernels::convolution_forward(CpuStream{}, s, x.data(), filter.data(), y,
                                 Floats(bytes(Pass::forward)).data, Algorithm::winograd);
  });
  check_both_ways(x.size(), [&](float* dx) {
    kernels::convolution_backward_data(CpuStream{}, s, dy.data(), filter.data(), dx, false,
                                       Floats(bytes(Pass::backward_data)).data, Algorithm::winograd);
  });
}

TEST_CASE("non-temporal stores: Winograd's filters") {
  const ConvolutionShape s{1, 5, 4, 352, 352, 3, 3, 1, 1};  // 18 MB in the domain
  const auto x = random_floats(s.n * s.h * s.w * s.c, 1), filter = random_floats(s.k * 9 * s.c, 2);
  for (bool transposed : {false, true}) {
    const auto pass = transposed ? kernels::Pass::backward_data : kernels::Pass::forward;
    const std::size_t floats =
        kernels::convolution_workspace_bytes<CpuStream, float>(s, pass, Algorithm::winograd) / sizeof(float) +
        1;
    Floats results[2] = {Floats(x.size()), Floats(x.size())};
    for (int offset : {0, 1}) {
      Floats workspace(floats, offset);
      float* y = results[offset].data;
      if (transposed)
        kernels::convolution_backward_data(CpuStream{}, s, x.data(), filter.data(), y, false, workspace.data,
                                           Algorithm::winograd);
      else
        kernels::convolution_forward(CpuStream{}, s, x.data(), filter.data(), y, workspace.data,
                                     Algorithm::winograd);
    }
    CHECK(finite(results[0]));
    CHECK(results[0] == results[1]);
  }
}
