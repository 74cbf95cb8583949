// The table of the functions of cuBLASLt that dyad calls, looked up in the library or supplied by a test; and
// the classes of cublaslt.cpp. This is the only file that includes cublasLt.h.
#pragma once

#include <cublasLt.h>

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "kernels/base/check.h"
#include "kernels/base/stream.h"

namespace kernels {

const char* name_of(cublasStatus_t);

inline void check(cublasStatus_t status, const char* what = "", const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  if (status != CUBLAS_STATUS_SUCCESS) fail("cuBLASLt", name_of(status), what, file, line);
}

}  // namespace kernels

namespace kernels::cublaslt {

struct Api {
  decltype(&cublasLtGetVersion) get_version;
  decltype(&cublasLtCreate) create;
  decltype(&cublasLtDestroy) destroy;
  decltype(&cublasLtMatmulDescCreate) matmul_create;
  decltype(&cublasLtMatmulDescSetAttribute) matmul_set;
  decltype(&cublasLtMatmulDescDestroy) matmul_destroy;
  decltype(&cublasLtMatrixLayoutCreate) layout_create;
  decltype(&cublasLtMatrixLayoutDestroy) layout_destroy;
  decltype(&cublasLtMatmulPreferenceCreate) preference_create;
  decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set;
  decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy;
  decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic;
  decltype(&cublasLtMatmul) matmul;
};

const Api& library();  // opened at first use; MissingLibrary if it is not installed

// A product of row-major matrices.
struct Product {
  bool transpose_a, transpose_b, accumulate;
  std::int64_t m, n, k, lda, ldb, ldc;
  cudaDataType_t type, type_c;  // of a and b, of c
  auto operator<=>(const Product&) const = default;
};

// The products of one device. A product's descriptors and algorithm are chosen at first use and kept.
class Products {
 public:
  explicit Products(const Api&);
  ~Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  // workspace: workspace_bytes, at a multiple of workspace_alignment
  void run(CudaStream, const Product&, const void* a, const void* b, void* c, void* workspace);

 private:
  struct Plan;
  struct Key {
    Product product;
    std::array<std::uint32_t, 3> alignments;  // of a, b and c: an algorithm may require more or less
    auto operator<=>(const Key&) const = default;
  };
  const Plan& plan(const Key&);
  std::unique_ptr<const Plan> make(const Key&) const;

  const Api& api_;
  cublasLtHandle_t handle_ = nullptr;
  std::mutex mutex_;
  std::map<Key, std::unique_ptr<const Plan>> plans_;
};

// If not null, gemm() uses it instead of the library. Set by tests.
Products*& products_of_test();

}  // namespace kernels::cublaslt
