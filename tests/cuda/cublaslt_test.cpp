// Matrix products of the CUDA device against plain loops. A test double of cuBLASLt computes on the host from
// the descriptors that it receives.
#include "kernels/vendor/cublaslt.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "kernels/base/launch_log.h"
#include "kernels/vendor/matmul.h"
#include "kernels/vendor/vendor_library.h"
#include "tests/support/cublaslt_double.h"

using namespace kernels;
namespace lt = kernels::cublaslt;

namespace {

// Replaces the library by the double. At the end every descriptor must be destroyed.
struct Stand {
  Stand() {
    cublaslt_double::library() = {};
    products = std::make_unique<lt::Products>(api);
    lt::products_of_test() = products.get();
  }
  ~Stand() {
    lt::products_of_test() = nullptr;
    products.reset();
    const cublaslt_double::Library& l = cublaslt_double::library();
    CHECK(l.handles.empty());
    CHECK(l.operations.empty());
    CHECK(l.layouts.empty());
    CHECK(l.preferences.empty());
  }
  lt::Api api = cublaslt_double::api();
  std::unique_ptr<lt::Products> products;
};

// Row-major, rows of length ld, with NaN in the gaps, which must not be read or written.
template <class T>
struct Matrix {
  Matrix(std::int64_t rows, std::int64_t columns, std::int64_t ld, unsigned seed) : columns(columns), ld(ld) {
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> value(-8, 8);  // products and sums are exact
    data.assign(std::size_t(rows * ld), T(std::numeric_limits<float>::quiet_NaN()));
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c) data[std::size_t(r * ld + c)] = T(value(random));
  }
  double operator()(std::int64_t r, std::int64_t c) const { return double(data[std::size_t(r * ld + c)]); }
  std::int64_t columns, ld;
  std::vector<T> data;
};

struct Case {
  std::int64_t m, n, k;
  bool transpose_a, transpose_b, accumulate;
  int padding;  // per row
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& [m, n, k] :
       {std::array<std::int64_t, 3>{1, 1, 1}, {3, 5, 7}, {16, 8, 1}, {1, 9, 4}, {13, 1, 6}})
    for (int bits = 0; bits < 16; ++bits)
      all.push_back({m, n, k, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0 ? 3 : 0});
  return all;
}

std::vector<char> workspace_of(std::size_t bytes) { return std::vector<char>(bytes); }

template <class T, class TC>
void compare(const Case& t) {
  INFO(t.m, " x ", t.n, " x ", t.k, ", rows longer by ", t.padding, ", transposed ", t.transpose_a,
       t.transpose_b, ", accumulate ", t.accumulate);
  const auto stored = [&](std::int64_t rows, std::int64_t columns, bool transposed, unsigned seed) {
    if (transposed) std::swap(rows, columns);
    return Matrix<T>(rows, columns, columns + t.padding, seed);
  };
  const Matrix<T> a = stored(t.m, t.k, t.transpose_a, 1), b = stored(t.k, t.n, t.transpose_b, 2);
  Matrix<TC> c(t.m, t.n, t.n + t.padding, 3);
  const Matrix<TC> before = c;
  if (!t.accumulate)  // the old values must not matter
    for (TC& v : c.data) v = TC(std::numeric_limits<float>::quiet_NaN());

  static std::vector<char> workspace =
      workspace_of(matmul_workspace_bytes<CudaStream, float, float>(false, 1, 1, 1));
  if constexpr (std::is_same_v<TC, bf16>)
    lt::gemm(CudaStream{}, t.transpose_a, t.transpose_b, t.m, t.n, t.k, a.data.data(), a.ld, b.data.data(),
             b.ld, c.data.data(), c.ld, t.accumulate,
             workspace.data() + (256 - reinterpret_cast<std::uintptr_t>(workspace.data()) % 256) % 256);
  else
    matmul(CudaStream{}, t.transpose_a, t.transpose_b, t.m, t.n, t.k, a.data.data(), a.ld, b.data.data(),
           b.ld, c.data.data(), c.ld, t.accumulate, workspace.data());

  for (std::int64_t i = 0; i < t.m; ++i)
    for (std::int64_t j = 0; j < t.n; ++j) {
      double sum = t.accumulate ? before(i, j) : 0;
      for (std::int64_t x = 0; x < t.k; ++x)
        sum += (t.transpose_a ? a(x, i) : a(i, x)) * (t.transpose_b ? b(j, x) : b(x, j));
      REQUIRE(c(i, j) == double(TC(sum)));
    }
  for (std::int64_t i = 0; i < t.m; ++i)
    for (std::int64_t j = t.n; j < c.ld; ++j) REQUIRE(std::isnan(c(i, j)));
}

}  // namespace

TEST_CASE("cuBLASLt: products equal plain loops for every transpose, accumulation and row length") {
  const Stand stand;
  for (const Case& t : cases()) {
    compare<float, float>(t);
    compare<bf16, float>(t);
    compare<bf16, bf16>(t);
  }
  for (const cublasComputeType_t compute : cublaslt_double::library().computed)
    CHECK(compute == CUBLAS_COMPUTE_32F);
}

TEST_CASE("cuBLASLt: an algorithm is chosen once for a shape and its alignment, and kept") {
  const Stand stand;
  const auto algorithms = [] { return cublaslt_double::library().algorithms.size(); };
  const std::int64_t n = 8;
  alignas(256) static float a[n * n + 64], b[n * n], c[n * n];
  std::vector<char> workspace =
      workspace_of(matmul_workspace_bytes<CudaStream, float, float>(false, n, n, n));
  const auto multiply = [&](const float* x, bool transposed) {
    matmul(CudaStream{}, transposed, false, n, n, n, x, n, b, n, c, n, false, workspace.data());
  };
  multiply(a, false);
  multiply(a, false);
  CHECK(algorithms() == 1);
  multiply(a, true);
  CHECK(algorithms() == 2);
  multiply(a + 64, false);  // 256 bytes further: the same alignment
  CHECK(algorithms() == 2);
  multiply(a + 1, false);  // the double refuses an algorithm chosen for a larger alignment
  CHECK(algorithms() == 3);
}

TEST_CASE("cuBLASLt: the workspace is the caller's, however it is aligned, and holds the rounded weight") {
  const Stand stand;
  cublaslt_double::library().wanted_workspace =
      lt::workspace_bytes;  // the double overwrites its whole workspace
  const std::size_t plain = matmul_workspace_bytes<CudaStream, bf16, bf16>(false, 4, 6, 4);
  std::vector<char> memory(plain + 128 + 64, 0x5a);
  for (const int offset : {0, 64, 128}) {
    const Matrix<float> a(3, 6, 6, 1), b(6, 4, 4, 2);
    Matrix<float> c(3, 4, 4, 3);
    char* workspace = memory.data() + offset;
    std::fill(memory.begin(), memory.end(), 0x5a);
    matmul(CudaStream{}, false, false, 3, 4, 6, a.data.data(), 6, b.data.data(), 4, c.data.data(), 4, false,
           workspace);
    for (char* p = memory.data(); p < workspace; ++p) REQUIRE(*p == 0x5a);
    for (char* p = workspace + plain; p < memory.data() + memory.size(); ++p) REQUIRE(*p == 0x5a);
  }
  // from the first element of B to the last, without the gap after its last row
  CHECK(matmul_workspace_bytes<CudaStream, bf16, float>(false, 4, 6, 9) ==
        plain + (5 * 9 + 4) * sizeof(bf16));
  CHECK(matmul_workspace_bytes<CudaStream, bf16, float>(true, 4, 6, 9) == plain + (3 * 9 + 6) * sizeof(bf16));
  CHECK(matmul_workspace_bytes<CudaStream, double, double>(false, 4, 6, 9) == 0);
  CHECK(matmul_workspace_bytes<CpuStream, bf16, float>(false, 4, 6, 9) == 0);
}

TEST_CASE("cuBLASLt: a product without rows or columns does not call the library") {
  const Stand stand;
  float x = 0;
  matmul(CudaStream{}, false, false, 0, 4, 4, &x, 4, &x, 4, &x, 4, false, nullptr);
  matmul(CudaStream{}, false, false, 4, 0, 4, &x, 4, &x, 1, &x, 1, false, nullptr);
  CHECK(cublaslt_double::library().algorithms.empty());
}

TEST_CASE("cuBLASLt: a failed call is an error that names the call, and no descriptor leaks") {
  const Stand stand;
  float a[64] = {}, c[64] = {};
  std::vector<char> workspace =
      workspace_of(matmul_workspace_bytes<CudaStream, float, float>(false, 8, 8, 8));
  const auto multiply = [&] {
    matmul(CudaStream{}, true, false, 8, 8, 8, a, 8, a, 8, c, 8, false, workspace.data());
  };
  cublaslt_double::library().next_status = CUBLAS_STATUS_EXECUTION_FAILED;
  CHECK_THROWS_WITH(multiply(),
                    doctest::Contains("cuBLASLt: CUBLAS_STATUS_EXECUTION_FAILED in cublasLtMatmul ("));
  cublaslt_double::library().no_algorithm = true;
  CHECK_NOTHROW(multiply());  // this product already has an algorithm
  CHECK_THROWS_WITH(
      matmul(CudaStream{}, true, false, 8, 8, 4, a, 8, a, 8, c, 8, false, workspace.data()),
      doctest::Contains("cuBLASLt: no algorithm for a matrix product of (8,4) of rows of 8 transposed and "
                        "(4,8) of rows of 8 in f32 to f32"));
  cublaslt_double::library().no_algorithm = false;
  CHECK_THROWS_WITH(matmul(CudaStream{}, false, false, 8, 8, 8, a, 7, a, 8, c, 8, false, workspace.data()),
                    doctest::Contains("CUBLAS_STATUS_INVALID_VALUE"));  // rows of 7 can't hold 8
}

TEST_CASE("cuBLASLt: a product is one entry of the launch log") {
  const Stand stand;
  LaunchLog log;
  launch_log() = &log;
  float a[4] = {}, c[4] = {};
  std::vector<char> workspace =
      workspace_of(matmul_workspace_bytes<CudaStream, float, float>(false, 2, 2, 2));
  for (int i = 0; i < 2; ++i)
    matmul(CudaStream{}, false, false, 2, 2, 2, a, 2, a, 2, c, 2, false, workspace.data());
  launch_log() = nullptr;
  REQUIRE(log.entries.size() == 2);
  CHECK(log.entries[0].launcher == "matmul");
  CHECK(log.entries[0] == log.entries[1]);
}

TEST_CASE("cuBLASLt: if installed, the library has every function and accepts our descriptors") {
  lt::Api api;
  try {
    api = lt::library();
  } catch (const MissingLibrary& e) {
    MESSAGE("not checked: ", e.what());
    return;
  }
  CHECK(lt::version().find('.') != std::string::npos);
  const lt::Api stand_in = cublaslt_double::api();  // for the functions that need a GPU
  api.create = stand_in.create;
  api.destroy = stand_in.destroy;
  api.heuristic = [](cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                     cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatmulPreference_t, int,
                     cublasLtMatmulHeuristicResult_t*, int* found) {
    *found = 1;
    return CUBLAS_STATUS_SUCCESS;
  };
  static int run;
  run = 0;
  api.matmul = [](cublasLtHandle_t, cublasLtMatmulDesc_t, const void*, const void*, cublasLtMatrixLayout_t,
                  const void*, cublasLtMatrixLayout_t, const void*, const void*, cublasLtMatrixLayout_t,
                  void*, cublasLtMatrixLayout_t, const cublasLtMatmulAlgo_t*, void*, std::size_t,
                  cudaStream_t) {
    ++run;
    return CUBLAS_STATUS_SUCCESS;
  };
  lt::Products products(api);
  alignas(256) float x[4] = {};
  for (const cudaDataType_t type : {CUDA_R_32F, CUDA_R_16BF})
    products.run(CudaStream{}, {true, false, false, 3, 4, 5, 3, 4, 4, type, CUDA_R_32F}, x, x, x, nullptr);
  CHECK(run == 2);
}
