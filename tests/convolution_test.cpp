// Every convolution algorithm against a direct convolution in f64.
#include "kernels/convolution.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "engine/random.h"
#include "kernels/kernels.h"
#include "kernels/matmul.h"

#ifdef _OPENMP
#include <omp.h>
#endif

using kernels::bf16;
using kernels::ConvolutionShape;
using kernels::Pass;

namespace {

using Values = std::vector<double>;

Values random_values(std::int64_t n, std::uint32_t seed) {
  engine::Random random(1, seed);
  Values v(static_cast<std::size_t>(n));
  for (double& x : v) x = double(bf16(random.uniform(-1, 1)));  // exact in every type
  return v;
}

// Calls f(index in x, index in the filter, index in y) for every product of the convolution.
template <class F>
void for_products(const ConvolutionShape& s, F f) {
  for (std::int64_t n = 0; n < s.n; ++n)
    for (std::int64_t p = 0; p < s.p(); ++p)
      for (std::int64_t q = 0; q < s.q(); ++q)
        for (std::int64_t r = 0; r < s.r; ++r)
          for (std::int64_t t = 0; t < s.s; ++t) {
            const std::int64_t h = p * s.stride - s.padding + r, w = q * s.stride - s.padding + t;
            if (h < 0 || h >= s.h || w < 0 || w >= s.w) continue;
            for (std::int64_t k = 0; k < s.k; ++k)
              for (std::int64_t c = 0; c < s.c; ++c)
                f(((n * s.h + h) * s.w + w) * s.c + c, ((k * s.r + r) * s.s + t) * s.c + c,
                  ((n * s.p() + p) * s.q() + q) * s.k + k);
          }
}

struct Problem {
  ConvolutionShape shape;
  Values x, filter, dy, y, dx, d_filter;  // the last three by the direct convolution

  explicit Problem(const ConvolutionShape& s) : shape(s) {
    x = random_values(s.n * s.h * s.w * s.c, 1);
    filter = random_values(s.k * s.r * s.s * s.c, 2);
    dy = random_values(s.n * s.p() * s.q() * s.k, 3);
    y.resize(dy.size());
    dx.resize(x.size());
    d_filter.resize(filter.size());
    for_products(s, [&](std::int64_t i, std::int64_t f, std::int64_t o) {
      y[o] += x[i] * filter[f];
      dx[i] += dy[o] * filter[f];
      d_filter[f] += x[i] * dy[o];
    });
  }
};

template <class T>
std::vector<T> as(const Values& v) {
  std::vector<T> out;
  for (double x : v) out.push_back(T(x));
  return out;
}

// rms of the difference over rms of the expected values
template <class T>
double error(const std::vector<T>& got, const Values& expected, double scale = 1) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double d = double(got[i]) - scale * expected[i];
    difference += d * d;
    size += scale * expected[i] * scale * expected[i];
  }
  return size > 0 ? std::sqrt(difference / size) : std::sqrt(difference);
}

struct Workspace {
  explicit Workspace(std::size_t bytes) : memory(new (std::align_val_t(64)) char[bytes + 1]) {
    for (std::size_t i = 0; i < bytes; ++i) memory[i] = char(0xff);  // NaN: nobody may count on zeros
  }
  ~Workspace() { ::operator delete[](memory, std::align_val_t(64)); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  char* memory;
};

template <class T>
struct Results {
  std::vector<T> y, dx;
  std::vector<kernels::acc_t<T>> d_filter;
};

// All three passes; dx and d_filter twice, the second time added to the first, if asked for.
template <class Stream, class T>
Results<T> run(const Problem& problem, bool twice) {
  using A = kernels::acc_t<T>;
  const ConvolutionShape& s = problem.shape;
  const auto x = as<T>(problem.x), dy = as<T>(problem.dy);
  const auto filter = as<A>(problem.filter);
  Results<T> out{std::vector<T>(dy.size()), std::vector<T>(x.size()), std::vector<A>(filter.size())};
  const auto bytes = [&](Pass pass) {
    return kernels::convolution_workspace_bytes<Stream, T>(Stream{}, s, pass);
  };
  const Workspace a(bytes(Pass::forward)), b(bytes(Pass::backward_data)), c(bytes(Pass::backward_weights));
  kernels::convolution_forward(Stream{}, s, x.data(), filter.data(), out.y.data(), a.memory);
  for (int i = 0; i < (twice ? 2 : 1); ++i) {
    kernels::convolution_backward_data(Stream{}, s, dy.data(), filter.data(), out.dx.data(), i > 0, b.memory);
    kernels::convolution_backward_weights(Stream{}, s, x.data(), dy.data(), out.d_filter.data(), i > 0,
                                          c.memory);
  }
  return out;
}

template <class Stream, class T>
void check(const Problem& problem, double tolerance) {
  const ConvolutionShape& s = problem.shape;
  CAPTURE(s.n);
  CAPTURE(s.h);
  CAPTURE(s.w);
  CAPTURE(s.c);
  CAPTURE(s.k);
  CAPTURE(s.r);
  CAPTURE(s.stride);
  CAPTURE(s.padding);
  for (bool twice : {false, true}) {
    CAPTURE(twice);
    const auto out = run<Stream, T>(problem, twice);
    CHECK(error(out.y, problem.y) <= tolerance);
    CHECK(error(out.dx, problem.dx, twice ? 2 : 1) <= tolerance);
    CHECK(error(out.d_filter, problem.d_filter, twice ? 2 : 1) <= tolerance);
  }
}

// Small and awkward: every kind of filter of a ResNet over channel counts beside the vector's width.
std::vector<ConvolutionShape> awkward_shapes() {
  std::vector<ConvolutionShape> shapes{
      {1, 1, 1, 1, 1, 1, 1, 1, 0},    {1, 1, 1, 1, 1, 3, 3, 1, 1},    {2, 7, 5, 3, 5, 3, 3, 1, 1},
      {1, 9, 6, 16, 17, 3, 3, 1, 1},  {3, 4, 4, 17, 16, 3, 3, 1, 1},  {2, 14, 14, 64, 64, 3, 3, 1, 1},
      {1, 6, 7, 5, 64, 3, 3, 1, 0},   {2, 5, 6, 64, 3, 3, 3, 1, 1},   {2, 8, 8, 16, 32, 3, 3, 2, 1},
      {1, 7, 9, 17, 5, 3, 3, 2, 1},   {2, 6, 6, 64, 128, 3, 3, 2, 1}, {2, 5, 5, 16, 64, 1, 1, 1, 0},
      {1, 3, 7, 17, 5, 1, 1, 1, 0},   {2, 8, 8, 64, 128, 1, 1, 2, 0}, {1, 7, 5, 3, 16, 1, 1, 2, 0},
      {1, 17, 23, 3, 64, 7, 7, 2, 3}, {2, 9, 8, 1, 5, 7, 7, 1, 3},    {2, 32, 32, 3, 64, 3, 3, 1, 1},
      {2, 4, 4, 160, 96, 3, 3, 1, 1}};
  return shapes;
}

}  // namespace

TEST_CASE("convolution: f64 on awkward shapes") {
  for (const ConvolutionShape& s : awkward_shapes()) {
    const Problem problem(s);
#ifndef DYAD_SIMT_ONLY
    check<kernels::CpuStream, double>(problem, 1e-14);
#endif
    if (s.n * s.h * s.w * s.c <= 400) check<kernels::SimtStream, double>(problem, 1e-14);
  }
}

#ifndef DYAD_SIMT_ONLY
TEST_CASE("convolution: f32 on awkward shapes") {
  for (const ConvolutionShape& s : awkward_shapes()) check<kernels::CpuStream, float>(Problem(s), 2e-6);
}
#endif

TEST_CASE("gemm: transposes, strides of rows, batches, accumulate") {
  const std::int64_t m = 70, n = 65, k = 33, batch = 2, extra = 3;
  for (bool ta : {false, true})
    for (bool tb : {false, true})
      for (bool accumulate : {false, true}) {
        CAPTURE(ta);
        CAPTURE(tb);
        CAPTURE(accumulate);
        const std::int64_t lda = (ta ? m : k) + extra, ldb = (tb ? k : n) + extra, ldc = n + extra;
        const std::int64_t sa = lda * (ta ? k : m), sb = ldb * (tb ? n : k), sc = ldc * m;
        const Values a = random_values(batch * sa, 1), b = random_values(batch * sb, 2);
        const Values before = random_values(batch * sc, 3);
        Values expected = before;
        for (std::int64_t z = 0; z < batch; ++z)
          for (std::int64_t i = 0; i < m; ++i)
            for (std::int64_t j = 0; j < n; ++j) {
              double& to = expected[z * sc + i * ldc + j];
              if (!accumulate) to = 0;
              for (std::int64_t l = 0; l < k; ++l)
                to += a[z * sa + (ta ? l * lda + i : i * lda + l)] *
                      b[z * sb + (tb ? j * ldb + l : l * ldb + j)];
            }
        const auto each = [&](auto stream) {
          Values c = before;
          kernels::gemm(stream, ta, tb, m, n, k, a.data(), lda, b.data(), ldb, c.data(), ldc, accumulate,
                        batch, sa, sb, sc);
          CHECK(error(c, expected) <= 1e-14);
        };
        each(kernels::SimtStream{});
#ifndef DYAD_SIMT_ONLY
        each(kernels::CpuStream{});
#endif
      }
}

TEST_CASE("column_sum: rows and columns beside a block") {
  for (std::int64_t rows : {1, 9, 257})
    for (std::int64_t columns : {1, 33, 65}) {
      CAPTURE(rows);
      CAPTURE(columns);
      const Values x = random_values(rows * columns, 1);
      Values expected(static_cast<std::size_t>(columns), 0.0);
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < columns; ++c) expected[c] += x[r * columns + c];
      Values out(expected.size());
      kernels::column_sum(kernels::SimtStream{}, rows, columns, x.data(), out.data(), false);
      CHECK(error(out, expected) <= 1e-14);
      kernels::column_sum(kernels::SimtStream{}, rows, columns, x.data(), out.data(), true);
      CHECK(error(out, expected, 2) <= 1e-14);
    }
}
