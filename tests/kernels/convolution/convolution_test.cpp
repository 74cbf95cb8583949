// Every convolution algorithm against a direct convolution in f64.
#include "kernels/convolution/convolution.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/error.h"
#include "kernels/kernels.h"
#include "tests/support/direct_convolution.h"

#ifdef _OPENMP
#include <omp.h>
#endif

using kernels::Algorithm;
using kernels::bf16;
using kernels::ConvolutionShape;
using kernels::Pass;
using namespace direct_convolution;

namespace {

struct Workspace {
  explicit Workspace(std::size_t bytes) : memory(new (std::align_val_t(64)) char[bytes + 1]) {
    for (std::size_t i = 0; i < bytes; ++i) memory[i] = char(0xff);  // NaN: no code may rely on zeros
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

// Runs all three passes with one algorithm. `twice`: dx and d_filter are computed twice, and the second
// result is added to the first. A pass that the algorithm does not support is empty.
template <class Stream, class T>
Results<T> run(const Problem& problem, Algorithm algorithm, bool twice) {
  using A = kernels::acc_t<T>;
  const ConvolutionShape& s = problem.shape;
  const auto x = as<T>(problem.x), dy = as<T>(problem.dy);
  const auto filter = as<A>(problem.filter);
  Results<T> out;
  const auto workspace = [&](Pass pass) {
    return Workspace(kernels::convolution_workspace_bytes<Stream, T>(s, pass, algorithm));
  };
  const auto can = [&](Pass pass) { return kernels::convolution_can<Stream, T>(s, pass, algorithm); };
  if (can(Pass::forward)) {
    out.y.resize(dy.size());
    kernels::convolution_forward(Stream{}, s, x.data(), filter.data(), out.y.data(),
                                 workspace(Pass::forward).memory, algorithm);
  }
  for (int i = 0; i < (twice ? 2 : 1); ++i) {
    if (can(Pass::backward_data)) {
      out.dx.resize(x.size());
      kernels::convolution_backward_data(Stream{}, s, dy.data(), filter.data(), out.dx.data(), i > 0,
                                         workspace(Pass::backward_data).memory, algorithm);
    }
    if (can(Pass::backward_weights)) {
      out.d_filter.resize(filter.size());
      kernels::convolution_backward_weights(Stream{}, s, x.data(), dy.data(), out.d_filter.data(), i > 0,
                                            workspace(Pass::backward_weights).memory, algorithm);
    }
  }
  return out;
}

const char* name(Algorithm a) {
  const char* names[] = {"automatic", "im2col", "onednn", "winograd"};
  return names[int(a)];
}
constexpr Algorithm all_algorithms[] = {Algorithm::automatic, Algorithm::im2col, Algorithm::onednn,
                                        Algorithm::winograd};

std::string text(const ConvolutionShape& s) {
  return engine::concat_text(s.n, "x", s.h, "x", s.w, "x", s.c, " * ", s.k, "x", s.r, "x", s.s, " stride ",
                             s.stride, " padding ", s.padding);
}

// Every pass of every algorithm against the direct convolution. Returns how many passes ran.
template <class Stream, class T>
int check(const Problem& problem, double tolerance) {
  int passes = 0;
  for (Algorithm algorithm : all_algorithms)
    for (bool twice : {false, true}) {
      const std::string at =
          engine::concat_text(text(problem.shape), ", ", name(algorithm), twice ? ", added" : "");
      CAPTURE(at);
      const auto out = run<Stream, T>(problem, algorithm, twice);
      const double scale = twice ? 2 : 1;
      if (!out.y.empty()) CHECK(error(out.y, problem.y) <= tolerance);
      if (!out.dx.empty()) CHECK(error(out.dx, problem.dx, scale) <= tolerance);
      if (!out.d_filter.empty()) CHECK(error(out.d_filter, problem.d_filter, scale) <= tolerance);
      passes += !out.y.empty() + !out.dx.empty() + !out.d_filter.empty();
    }
  return passes;
}

// Small and awkward shapes: every filter of a ResNet, with channel counts around the vector width.
std::vector<ConvolutionShape> awkward_shapes() {
  std::vector<ConvolutionShape> shapes{
      {1, 1, 1, 1, 1, 1, 1, 1, 0},
      {1, 1, 1, 1, 1, 3, 3, 1, 1},
      {2, 7, 5, 3, 5, 3, 3, 1, 1},
      {1, 9, 6, 16, 17, 3, 3, 1, 1},
      {3, 4, 4, 17, 16, 3, 3, 1, 1},
      {2, 14, 14, 64, 64, 3, 3, 1, 1},
      {1, 6, 7, 5, 64, 3, 3, 1, 0},
      {2, 5, 6, 64, 3, 3, 3, 1, 1},
      {2, 8, 8, 16, 32, 3, 3, 2, 1},
      {1, 7, 9, 17, 5, 3, 3, 2, 1},
      {2, 6, 6, 64, 128, 3, 3, 2, 1},
      {2, 5, 5, 16, 64, 1, 1, 1, 0},
      {1, 3, 7, 17, 5, 1, 1, 1, 0},
      {2, 8, 8, 64, 128, 1, 1, 2, 0},
      {1, 7, 5, 3, 16, 1, 1, 2, 0},
      {1, 17, 23, 3, 64, 7, 7, 2, 3},
      {2, 9, 8, 1, 5, 7, 7, 1, 3},
      {2, 32, 32, 3, 64, 3, 3, 1, 1},
      {2, 4, 4, 160, 96, 3, 3, 1, 1},
      // more than one block of tiles, and more channels than AMX's products take at a time
      {5, 20, 20, 130, 128, 3, 3, 1, 1},
      {1, 5, 5, 530, 290, 3, 3, 1, 1},
      {3, 9, 9, 140, 130, 3, 3, 2, 1},
      {4, 12, 12, 200, 170, 3, 3, 2, 1}};
  return shapes;
}

}  // namespace

TEST_CASE("convolution: every algorithm in f64, at both block sizes") {
  for (const ConvolutionShape& s : awkward_shapes()) {
    const Problem problem(s);
    const bool winograd =
        kernels::convolution_can<kernels::SimtStream, double>(s, Pass::forward, Algorithm::winograd);
    const int passes = winograd ? 18 : 12;
#ifndef DYAD_SIMT_ONLY
    CHECK(check<kernels::CpuStream, double>(problem, 1e-13) == passes);
#endif
    if (s.n * s.h * s.w * s.c <= 400) CHECK(check<kernels::SimtStream, double>(problem, 1e-13) == passes);
  }
}

#ifndef DYAD_SIMT_ONLY
TEST_CASE("convolution: every algorithm in f32") {
  for (const ConvolutionShape& s : awkward_shapes()) check<kernels::CpuStream, float>(Problem(s), 2e-6);
}

TEST_CASE("convolution: every algorithm in bf16") {
  for (const ConvolutionShape& s : awkward_shapes()) check<kernels::CpuStream, bf16>(Problem(s), 1e-2);
}

TEST_CASE("convolution: no shape of a ResNet uses a slow path") {
  int shapes = 0;
  const auto each = [&](std::int64_t h, std::int64_t c, std::int64_t k, std::int64_t r, std::int64_t stride) {
    const ConvolutionShape s{8, h, h, c, k, r, r, stride, r / 2};
    for (Pass pass : {Pass::forward, Pass::backward_data, Pass::backward_weights}) {
      const std::string algorithm = kernels::convolution_algorithm<kernels::CpuStream, float>(s, pass);
      MESSAGE(text(s), ", pass ", int(pass), ": ", algorithm);
      CHECK(algorithm.find("ref") == std::string::npos);
    }
    ++shapes;
  };
  for (bool imagenet : {false, true}) {
    std::int64_t h = imagenet ? 56 : 32;
    imagenet ? each(224, 3, 64, 7, 2) : each(32, 3, 64, 3, 1);
    for (std::int64_t c = 64; c <= 512; c *= 2) {
      const bool first = c == 64;
      if (!first) {
        each(h, c / 2, c, 3, 2);      // basic block, first of a stage
        each(h, c / 2, c, 1, 2);      // and its shortcut
        each(h, c * 2, c, 1, 1);      // bottleneck, first of a stage
        each(h, c, c, 3, 2);          //
        each(h, c * 2, c * 4, 1, 2);  // and its shortcut
        h /= 2;
      }
      each(h, c, c, 3, 1);
      each(h, c * 4, c, 1, 1);
      each(h, c, c * 4, 1, 1);
      if (first) each(h, c, c, 1, 1);
    }
  }
  CHECK(shapes == 58);
}
#endif

#if defined(_OPENMP) && !defined(DYAD_SIMT_ONLY)
TEST_CASE("convolution: bit-identical for 1, 2 and 3 threads") {
  const int before = omp_get_max_threads();
  const ConvolutionShape shapes[] = {{32, 16, 16, 16, 32, 3, 3, 1, 1}, {8, 15, 13, 24, 40, 3, 3, 2, 1},
                                     {8, 6, 6, 160, 288, 3, 3, 1, 1},  {32, 32, 32, 3, 16, 3, 3, 1, 1},
                                     {32, 16, 16, 16, 32, 1, 1, 2, 0}, {32, 9, 9, 64, 48, 1, 1, 1, 0},
                                     {16, 32, 32, 3, 64, 7, 7, 2, 3},  {3, 7, 7, 512, 1024, 1, 1, 1, 0}};
  for (const ConvolutionShape& s : shapes) {
    const Problem problem(s, false);
    for (Algorithm algorithm : all_algorithms) {
      omp_set_num_threads(1);
      const auto one = run<kernels::CpuStream, float>(problem, algorithm, true);
      for (int threads : {2, 3}) {
        omp_set_num_threads(threads);
        const auto more = run<kernels::CpuStream, float>(problem, algorithm, true);
        const std::string at = engine::concat_text(text(s), ", ", name(algorithm), ", threads ", threads);
        CAPTURE(at);
        CHECK(one.y == more.y);
        // oneDNN's AVX2 kernel sums the data gradient of a 3-channel image in an order that depends on the
        // threads. No training needs it: images have no gradient.
        if (s.c >= 8) CHECK(one.dx == more.dx);
        CHECK(one.d_filter == more.d_filter);
      }
    }
  }
  omp_set_num_threads(before);
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

TEST_CASE("column_sum: numbers of rows and columns around the block size") {
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
