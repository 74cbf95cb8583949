// Element-wise kernels over arrays of every length around the pack size, aligned to a pack or not.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/kernels.h"

using namespace kernels;

namespace {

// An integer for element i, of either sign: exact in every type.
double value(std::int64_t i) { return double(i * 7 % 19) - 9; }

template <class T>
std::vector<T> values(std::int64_t n, std::int64_t from) {
  std::vector<T> v;
  for (std::int64_t i = 0; i < n; ++i) v.push_back(T(float(value(from + i))));
  return v;
}

// Memory around an array must not change.
template <class T>
struct Guarded {
  Guarded(std::int64_t n, std::int64_t begin, std::int64_t from)
      : all(values<T>(n + 16, 100)), at(all.data() + begin), n(n), begin(begin) {
    const auto v = values<T>(n, from);
    std::copy(v.begin(), v.end(), at);
  }
  bool intact() const {
    const auto before = values<T>(n + 16, 100);
    for (std::int64_t i = 0; i < n + 16; ++i)
      if ((i < begin || i >= begin + n) && float(all[std::size_t(i)]) != float(before[std::size_t(i)]))
        return false;
    return true;
  }
  std::vector<T> all;
  T* at;
  std::int64_t n, begin;
};

template <class T, class F>
void check(const Guarded<T>& y, F expected) {
  CHECK(y.intact());
  for (std::int64_t i = 0; i < y.n; ++i) {
    CAPTURE(i);
    REQUIRE(float(y.at[i]) == float(T(float(expected(i)))));
  }
}

double positive(double v) { return v > 0 ? v : 0; }

template <class T, class Stream>
void check_all(Stream stream) {
  for (const std::int64_t begin : {0, 1, 3})
    for (const std::int64_t n : {0, 1, 7, 8, 9, 257, 2049}) {
      CAPTURE(begin);
      CAPTURE(n);
      const Guarded<T> a(n, begin, 0), b(n, 0, 5);
      Guarded<T> y(n, begin, 1);
      add(stream, n, a.at, b.at, y.at);
      check(y, [](auto i) { return value(i) + value(i + 5); });
      add(stream, n, a.at, y.at, y.at);  // in place
      check(y, [](auto i) { return 2 * value(i) + value(i + 5); });
      add_relu(stream, n, a.at, b.at, y.at);
      check(y, [](auto i) { return positive(value(i) + value(i + 5)); });
      relu(stream, n, a.at, y.at);
      check(y, [](auto i) { return positive(value(i)); });
      relu_backward(stream, n, a.at, b.at, y.at, true);
      check(y, [](auto i) { return positive(value(i)) + (value(i) > 0 ? value(i + 5) : 0); });
      relu_backward(stream, n, a.at, b.at, y.at, false);
      check(y, [](auto i) { return value(i) > 0 ? value(i + 5) : 0; });
      Guarded<float> wide(n, begin, 2);
      cast_to_f32(stream, n, a.at, wide.at, true);
      check(wide, [](auto i) { return value(i) + value(i + 2); });
      Guarded<bf16> narrow(n, begin, 2);
      cast_to_bf16(stream, n, a.at, narrow.at, false);
      check(narrow, [](auto i) { return value(i); });
    }
}

}  // namespace

TEST_CASE("packs: every length and alignment, on both host streams") {
  check_all<float>(SimtStream{});
  check_all<double>(SimtStream{});
  check_all<bf16>(SimtStream{});
#ifndef DYAD_SIMT_ONLY
  check_all<float>(CpuStream{});
  check_all<double>(CpuStream{});
  check_all<bf16>(CpuStream{});
#endif
}
