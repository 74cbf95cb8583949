#ifdef DYAD_CUDA
#include "kernels/vendor/cublaslt.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <string>
#include <type_traits>

#include "kernels/base/check_cuda.h"
#include "kernels/vendor/cublaslt_api.h"
#include "kernels/vendor/tf32.h"
#include "kernels/vendor/vendor_library.h"

namespace kernels {

const char* name_of(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH:
      return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_MAPPING_ERROR:
      return "CUBLAS_STATUS_MAPPING_ERROR";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
      return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
    case CUBLAS_STATUS_LICENSE_ERROR:
      return "CUBLAS_STATUS_LICENSE_ERROR";
  }
  return "an unknown status";
}

}  // namespace kernels

namespace kernels::cublaslt {
namespace {

Api look_up() {
  // The major version of the headers comes first. The functions called here are the same in both versions.
  std::vector<std::string> files = {"libcublasLt.so.13", "libcublasLt.so.12"};
  if (CUBLAS_VER_MAJOR == 12) std::swap(files[0], files[1]);
  const VendorLibrary l(
      "cuBLASLt", files,
      "it is part of the CUDA toolkit (libcublas-13-0 of NVIDIA's packages, nvidia-cublas on "
      "PyPI); name its folder in LD_LIBRARY_PATH");
  Api api;
  l.find("cublasLtGetVersion", api.get_version);
  l.find("cublasLtCreate", api.create);
  l.find("cublasLtDestroy", api.destroy);
  l.find("cublasLtMatmulDescCreate", api.matmul_create);
  l.find("cublasLtMatmulDescSetAttribute", api.matmul_set);
  l.find("cublasLtMatmulDescDestroy", api.matmul_destroy);
  l.find("cublasLtMatrixLayoutCreate", api.layout_create);
  l.find("cublasLtMatrixLayoutDestroy", api.layout_destroy);
  l.find("cublasLtMatmulPreferenceCreate", api.preference_create);
  l.find("cublasLtMatmulPreferenceSetAttribute", api.preference_set);
  l.find("cublasLtMatmulPreferenceDestroy", api.preference_destroy);
  l.find("cublasLtMatmulAlgoGetHeuristic", api.heuristic);
  l.find("cublasLtMatmul", api.matmul);
  return api;
}

// A descriptor is destroyed by the table's function; a destructor cannot report its status.
template <class Handle>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, cublasStatus_t (*)(Handle)>;

std::uint32_t alignment_of(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  return std::uint32_t(std::min<std::uintptr_t>(256, address & (~address + 1)));
}

std::string text(const Product& p) {
  const auto shape = [](std::int64_t rows, std::int64_t columns, std::int64_t ld, bool transposed) {
    return "(" + std::to_string(rows) + "," + std::to_string(columns) + ") of rows of " + std::to_string(ld) +
           (transposed ? " transposed" : "");
  };
  return "a matrix product of " + shape(p.m, p.k, p.lda, p.transpose_a) + " and " +
         shape(p.k, p.n, p.ldb, p.transpose_b) + " in " + (p.type == CUDA_R_32F ? "f32" : "bf16") + " to " +
         (p.type_c == CUDA_R_32F ? "f32" : "bf16");
}

// The products of the current device. They are never destroyed: at exit the driver may be unloaded first.
Products& products_of_device() {
  static std::mutex mutex;
  static std::map<int, Products*> all;
  int device = 0;
  check(cudaGetDevice(&device));
  const std::lock_guard lock(mutex);
  Products*& found = all[device];
  if (found == nullptr) found = new Products(library());
  return *found;
}

template <class T>
constexpr cudaDataType_t type_of = std::is_same_v<T, bf16> ? CUDA_R_16BF : CUDA_R_32F;

}  // namespace

const Api& library() {
  static const Api api = look_up();
  return api;
}

std::string version() { return dotted_version(library().get_version()); }

// cuBLASLt is column-major: it reads our row-major matrix with rows of length ld as its transpose. So
// cuBLASLt computes C^T (n,m) = op(B)^T op(A)^T: its first factor is our b, its second our a, and the
// transpose flags are unchanged.
struct Products::Plan {
  Owned<cublasLtMatmulDesc_t> operation;
  Owned<cublasLtMatrixLayout_t> first, second, result;
  cublasLtMatmulAlgo_t algorithm;
  std::size_t workspace_size;
};

Products::Products(const Api& api) : api_(api) { check(api_.create(&handle_), "cublasLtCreate"); }

Products::~Products() {
  plans_.clear();
  api_.destroy(handle_);
}

std::unique_ptr<const Products::Plan> Products::make(const Key& key) const {
  const Product& p = key.product;
  const auto layout = [&](cudaDataType_t type, std::int64_t rows, std::int64_t columns, std::int64_t ld) {
    cublasLtMatrixLayout_t made = nullptr;
    check(api_.layout_create(&made, type, std::uint64_t(rows), std::uint64_t(columns), ld),
          "cublasLtMatrixLayoutCreate");
    return Owned<cublasLtMatrixLayout_t>(made, api_.layout_destroy);
  };
  cublasLtMatmulDesc_t made = nullptr;
  const bool tf32 = p.type == CUDA_R_32F && tf32_allowed();
  check(api_.matmul_create(&made, tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F),
        "cublasLtMatmulDescCreate");
  Owned<cublasLtMatmulDesc_t> operation(made, api_.matmul_destroy);
  auto plan = std::make_unique<Plan>(
      Plan{.operation = std::move(operation),
           .first = p.transpose_b ? layout(p.type, p.k, p.n, p.ldb) : layout(p.type, p.n, p.k, p.ldb),
           .second = p.transpose_a ? layout(p.type, p.m, p.k, p.lda) : layout(p.type, p.k, p.m, p.lda),
           .result = layout(p.type_c, p.n, p.m, p.ldc),
           .algorithm = {},
           .workspace_size = 0});
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, bool transposed) {
    const std::int32_t value = transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    check(api_.matmul_set(plan->operation.get(), attribute, &value, sizeof value),
          "cublasLtMatmulDescSetAttribute");
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, p.transpose_b);
  set(CUBLASLT_MATMUL_DESC_TRANSB, p.transpose_a);

  cublasLtMatmulPreference_t preference_made = nullptr;
  check(api_.preference_create(&preference_made), "cublasLtMatmulPreferenceCreate");
  const Owned<cublasLtMatmulPreference_t> preference(preference_made, api_.preference_destroy);
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
    check(api_.preference_set(preference.get(), attribute, &value, sizeof value),
          "cublasLtMatmulPreferenceSetAttribute");
  };
  const auto [a, b, c] = key.alignments;
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t(workspace_bytes));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, b);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, a);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, c);
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, c);

  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  check(api_.heuristic(handle_, plan->operation.get(), plan->first.get(), plan->second.get(),
                       plan->result.get(), plan->result.get(), preference.get(), 1, &best, &found),
        "cublasLtMatmulAlgoGetHeuristic");
  if (found == 0) fail("cuBLASLt", "no algorithm for " + text(p), "", __FILE__, __LINE__);
  check(best.state, "cublasLtMatmulAlgoGetHeuristic");
  plan->algorithm = best.algo;
  plan->workspace_size = best.workspaceSize;
  return plan;
}

const Products::Plan& Products::plan(const Key& key) {
  const std::lock_guard lock(mutex_);
  auto& found = plans_[key];
  if (!found) found = make(key);
  return *found;
}

void Products::run(CudaStream stream, const Product& product, const void* a, const void* b, void* c,
                   void* workspace) {
  const Plan& p = plan({product, {alignment_of(a), alignment_of(b), alignment_of(c)}});
  const float one = 1, added = product.accumulate ? 1 : 0;  // cuBLASLt reads both before the call returns
  check(api_.matmul(handle_, p.operation.get(), &one, b, p.first.get(), a, p.second.get(), &added, c,
                    p.result.get(), c, p.result.get(), &p.algorithm, workspace, p.workspace_size,
                    stream.handle),
        "cublasLtMatmul");
}

Products*& products_of_test() {
  static Products* products = nullptr;
  return products;
}

template <class T, class TC>
void gemm(CudaStream stream, bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n,
          std::int64_t k, const T* a, std::int64_t lda, const T* b, std::int64_t ldb, TC* c, std::int64_t ldc,
          bool accumulate, void* workspace) {
  Products& products = products_of_test() != nullptr ? *products_of_test() : products_of_device();
  products.run(stream,
               {transpose_a, transpose_b, accumulate, m, n, k, lda, ldb, ldc, type_of<T>, type_of<TC>}, a, b,
               c, workspace);
}

#define INSTANTIATE_GEMM(T, TC)                                                                  \
  template void gemm(CudaStream, bool, bool, std::int64_t, std::int64_t, std::int64_t, const T*, \
                     std::int64_t, const T*, std::int64_t, TC*, std::int64_t, bool, void*);
INSTANTIATE_GEMM(float, float)
INSTANTIATE_GEMM(bf16, bf16)
INSTANTIATE_GEMM(bf16, float)

}  // namespace kernels::cublaslt
#endif
