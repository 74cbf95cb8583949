// Vector registers on the host: the conversions between bf16 in memory and f32 in registers.
#include "kernels/tiles/vector.h"

#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <vector>

namespace kernels {
namespace {

// Every bf16 value and its neighbours halfway to the next: ties, infinities and NaNs are among them.
std::vector<float> values() {
  std::vector<float> all;
  for (std::uint32_t high = 0; high < 1u << 16; ++high)
    for (const std::uint32_t low : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      all.push_back(std::bit_cast<float>(high << 16 | low));
  return all;
}

template <int L>
void check_lanes() {
  using V = Vector<float, L>;
  using S = Stored<V, bf16>;
  const std::vector<float> all = values();
  int wrong = 0;
  for (std::size_t i = 0; i + L <= all.size(); i += L) {
    bf16 stored[L];
    store(stored, narrow<bf16>(load<V>(all.data() + i)));
    float back[L];
    store(back, widen<V>(load<S>(stored)));
    for (int lane = 0; lane < L; ++lane) {
      const bf16 expected(all[i + std::size_t(lane)]);
      wrong += stored[lane].bits != expected.bits;
      wrong += std::bit_cast<std::uint32_t>(back[lane]) != std::uint32_t(expected.bits) << 16;
    }
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("vector: narrow and widen are those of a single bf16, in each lane") {
  check_lanes<1>();
  check_lanes<4>();
  check_lanes<lanes<CpuStream, float>>();  // 4, 8 or 16
}

TEST_CASE("vector: registers of f32 and f64 are stored as they are") {
  static_assert(std::is_same_v<Stored<Vector<float, 4>, float>, Vector<float, 4>>);
  static_assert(std::is_same_v<Stored<double, double>, double>);
  CHECK(widen<double>(narrow<double>(0.1)) == 0.1);
}

TEST_CASE("vector: a part of a register of bf16") {
  using V = Vector<float, 4>;
  const bf16 from[3] = {bf16(1.f), bf16(2.f), bf16(3.f)};
  const V v = widen<V>(load_part<Stored<V, bf16>>(from, 3));
  for (int lane = 0; lane < 4; ++lane) CHECK(v[lane] == (lane < 3 ? float(lane + 1) : 0.f));
  bf16 to[3] = {bf16(7.f), bf16(7.f), bf16(7.f)};
  store_part(to, narrow<bf16>(v), 2);
  CHECK(float(to[1]) == 2);
  CHECK(float(to[2]) == 7);
}

}  // namespace kernels
