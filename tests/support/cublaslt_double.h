// A test double of cuBLASLt on host memory. It stores each descriptor's attributes and multiplies in plain
// loops by cuBLASLt's rules (column-major, leading dimensions, transposes, alpha and beta), so that a wrong
// attribute gives a wrong result. It refuses what cuBLASLt refuses, and counts creations and destructions.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "kernels/base/bf16.h"
#include "kernels/vendor/cublaslt_api.h"

namespace cublaslt_double {

struct Layout {
  cudaDataType type;
  std::int64_t rows, columns, ld;
};
struct Operation {
  cublasComputeType_t compute;
  cudaDataType_t scale;
  std::map<int, std::int32_t> attributes;
};
struct Algorithm {  // a heuristic's result, and the problem that it is for
  std::vector<std::int64_t> problem;
  std::map<int, std::uint64_t> preferences;
};

struct Library {
  std::set<void*> handles, operations, layouts, preferences;
  std::vector<Algorithm> algorithms;
  std::vector<cublasComputeType_t> computed;           // compute type of each product
  std::size_t wanted_workspace = 4096;                 // required by every algorithm
  cublasStatus_t next_status = CUBLAS_STATUS_SUCCESS;  // returned by the next product
  bool no_algorithm = false;
};
inline Library& library() {
  static Library library;
  return library;
}

inline double load(const void* data, cudaDataType type, std::int64_t i) {
  return type == CUDA_R_32F ? static_cast<const float*>(data)[i]
                            : double(static_cast<const kernels::bf16*>(data)[i]);
}
inline void store(void* data, cudaDataType type, std::int64_t i, double v) {
  if (type == CUDA_R_32F)
    static_cast<float*>(data)[i] = float(v);
  else
    static_cast<kernels::bf16*>(data)[i] = kernels::bf16(v);
}
inline bool aligned(const void* p, std::uint64_t bytes) {
  return reinterpret_cast<std::uintptr_t>(p) % bytes == 0;
}

template <class Struct, class Handle>
cublasStatus_t create(std::set<void*>& all, Handle* handle, Struct value) {
  auto* made = new Struct(value);
  all.insert(made);
  *handle = reinterpret_cast<Handle>(made);
  return CUBLAS_STATUS_SUCCESS;
}
template <class Struct, class Handle>
cublasStatus_t destroy(std::set<void*>& all, Handle handle) {
  auto* made = reinterpret_cast<Struct*>(handle);
  if (all.erase(made) == 0) return CUBLAS_STATUS_INVALID_VALUE;
  delete made;
  return CUBLAS_STATUS_SUCCESS;
}

using Preferences = std::map<int, std::uint64_t>;
inline const Layout& at(cublasLtMatrixLayout_t l) { return *reinterpret_cast<const Layout*>(l); }
inline Operation& at(cublasLtMatmulDesc_t o) { return *reinterpret_cast<Operation*>(o); }

// All properties that distinguish two problems.
inline std::vector<std::int64_t> problem(cublasLtMatmulDesc_t o, cublasLtMatrixLayout_t a,
                                         cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                         cublasLtMatrixLayout_t d) {
  std::vector<std::int64_t> p = {at(o).compute, at(o).scale};
  for (const auto& [attribute, value] : at(o).attributes) p.insert(p.end(), {attribute, value});
  for (cublasLtMatrixLayout_t l : {a, b, c, d})
    p.insert(p.end(), {at(l).type, at(l).rows, at(l).columns, at(l).ld});
  return p;
}

inline std::int32_t attribute(cublasLtMatmulDesc_t o, cublasLtMatmulDescAttributes_t which) {
  const auto found = at(o).attributes.find(which);
  return found == at(o).attributes.end() ? CUBLAS_OP_N : found->second;
}

inline cublasStatus_t heuristic(cublasLtHandle_t, cublasLtMatmulDesc_t o, cublasLtMatrixLayout_t a,
                                cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                cublasLtMatmulPreference_t preference, int wanted,
                                cublasLtMatmulHeuristicResult_t results[], int* found) {
  Library& l = library();
  const Preferences& preferences = *reinterpret_cast<const Preferences*>(preference);
  const auto most = preferences.find(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
  if (wanted < 1) return CUBLAS_STATUS_INVALID_VALUE;
  if (l.no_algorithm) {
    *found = 0;
    return CUBLAS_STATUS_SUCCESS;
  }
  l.algorithms.push_back({problem(o, a, b, c, d), preferences});
  results[0] = {};
  results[0].algo.data[0] = l.algorithms.size() - 1;
  results[0].workspaceSize = most == preferences.end() ? 0 : std::min(l.wanted_workspace, most->second);
  results[0].state = CUBLAS_STATUS_SUCCESS;
  *found = 1;
  return CUBLAS_STATUS_SUCCESS;
}

// D (m,n) = alpha op(A) (m,k) op(B) (k,n) + beta C, element (row, column) at row + column ld.
inline cublasStatus_t matmul(cublasLtHandle_t, cublasLtMatmulDesc_t o, const void* alpha, const void* a,
                             cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                             const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                             cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo,
                             void* workspace, std::size_t workspace_bytes, cudaStream_t) {
  Library& l = library();
  if (const cublasStatus_t status = l.next_status; status != CUBLAS_STATUS_SUCCESS) {
    l.next_status = CUBLAS_STATUS_SUCCESS;
    return status;
  }
  const Layout &A = at(a_layout), &B = at(b_layout), &C = at(c_layout), &D = at(d_layout);
  const bool ta = attribute(o, CUBLASLT_MATMUL_DESC_TRANSA) == CUBLAS_OP_T;
  const bool tb = attribute(o, CUBLASLT_MATMUL_DESC_TRANSB) == CUBLAS_OP_T;
  const std::int64_t m = ta ? A.columns : A.rows, k = ta ? A.rows : A.columns, n = tb ? B.rows : B.columns;
  bool fits =
      (tb ? B.columns : B.rows) == k && D.rows == m && D.columns == n && C.rows == m && C.columns == n;
  for (const Layout* x : {&A, &B, &C, &D}) fits &= x->ld >= x->rows && x->rows > 0 && x->columns > 0;
  fits &= A.type == B.type && C.type == D.type && at(o).scale == CUDA_R_32F;
  if (!fits || algo == nullptr || algo->data[0] >= l.algorithms.size()) return CUBLAS_STATUS_INVALID_VALUE;

  const Algorithm& algorithm = l.algorithms[algo->data[0]];
  if (algorithm.problem != problem(o, a_layout, b_layout, c_layout, d_layout))
    return CUBLAS_STATUS_INVALID_VALUE;
  const auto promised = [&](int preference) {
    const auto found = algorithm.preferences.find(preference);
    return found == algorithm.preferences.end() ? 256 : found->second;
  };
  if (!aligned(a, promised(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES)) ||
      !aligned(b, promised(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES)) ||
      !aligned(c, promised(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES)) ||
      !aligned(d, promised(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES)) || !aligned(workspace, 256) ||
      workspace_bytes < l.wanted_workspace)
    return CUBLAS_STATUS_INVALID_VALUE;

  std::fill_n(static_cast<unsigned char*>(workspace), workspace_bytes, static_cast<unsigned char>(0xff));
  const double scale = *static_cast<const float*>(alpha), added = *static_cast<const float*>(beta);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::int64_t x = 0; x < k; ++x)
        sum += load(a, A.type, ta ? x + i * A.ld : i + x * A.ld) *
               load(b, B.type, tb ? j + x * B.ld : x + j * B.ld);
      const double before = added == 0 ? 0 : added * load(c, C.type, i + j * C.ld);
      store(d, D.type, i + j * D.ld, scale * sum + before);
    }
  l.computed.push_back(at(o).compute);
  return CUBLAS_STATUS_SUCCESS;
}

inline kernels::cublaslt::Api api() {
  using Handle = cublasLtHandle_t;
  kernels::cublaslt::Api api;
  api.get_version = [] { return std::size_t(130100); };
  api.create = [](Handle* h) { return create(library().handles, h, int(0)); };
  api.destroy = [](Handle h) { return destroy<int>(library().handles, h); };
  api.matmul_create = [](cublasLtMatmulDesc_t* o, cublasComputeType_t compute, cudaDataType_t scale) {
    return create(library().operations, o, Operation{compute, scale, {}});
  };
  api.matmul_set = [](cublasLtMatmulDesc_t o, cublasLtMatmulDescAttributes_t which, const void* value,
                      std::size_t bytes) {
    if (bytes != sizeof(std::int32_t)) return CUBLAS_STATUS_INVALID_VALUE;
    at(o).attributes[which] = *static_cast<const std::int32_t*>(value);
    return CUBLAS_STATUS_SUCCESS;
  };
  api.matmul_destroy = [](cublasLtMatmulDesc_t o) { return destroy<Operation>(library().operations, o); };
  api.layout_create = [](cublasLtMatrixLayout_t* l, cudaDataType type, std::uint64_t rows,
                         std::uint64_t columns, std::int64_t ld) {
    return create(library().layouts, l, Layout{type, std::int64_t(rows), std::int64_t(columns), ld});
  };
  api.layout_destroy = [](cublasLtMatrixLayout_t l) { return destroy<Layout>(library().layouts, l); };
  api.preference_create = [](cublasLtMatmulPreference_t* p) {
    return create(library().preferences, p, Preferences{});
  };
  api.preference_set = [](cublasLtMatmulPreference_t p, cublasLtMatmulPreferenceAttributes_t which,
                          const void* value, std::size_t bytes) {
    const bool is_workspace = which == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
    if (bytes != (is_workspace ? sizeof(std::uint64_t) : sizeof(std::uint32_t)))
      return CUBLAS_STATUS_INVALID_VALUE;
    (*reinterpret_cast<Preferences*>(p))[which] =
        is_workspace ? *static_cast<const std::uint64_t*>(value) : *static_cast<const std::uint32_t*>(value);
    return CUBLAS_STATUS_SUCCESS;
  };
  api.preference_destroy = [](cublasLtMatmulPreference_t p) {
    return destroy<Preferences>(library().preferences, p);
  };
  api.heuristic = heuristic;
  api.matmul = matmul;
  return api;
}

}  // namespace cublaslt_double
