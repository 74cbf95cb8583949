// Selecting rows of features and labels, for the probes.
#pragma once

#include <cstring>
#include <vector>

#include "engine/tensor.h"

namespace models {

// The given rows of a (N,D) tensor in host memory.
inline engine::Tensor rows_of(const engine::Tensor& host, const std::vector<std::int64_t>& rows) {
  const engine::Tensor out({std::int64_t(rows.size()), host.dim(1)}, host.dtype(), engine::cpu);
  const std::size_t bytes = std::size_t(host.dim(1)) * engine::size_of(host.dtype());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    engine::require(rows[i] >= 0 && rows[i] < host.dim(0), "rows_of: row ", rows[i], " of ", host.shape());
    std::memcpy(static_cast<char*>(out.raw()) + i * bytes,
                static_cast<const char*>(host.raw()) + std::size_t(rows[i]) * bytes, bytes);
  }
  return out;
}

inline std::vector<std::int32_t> labels_of(const std::vector<std::int32_t>& labels,
                                           const std::vector<std::int64_t>& rows) {
  std::vector<std::int32_t> out;
  out.reserve(rows.size());
  for (std::int64_t i : rows) out.push_back(labels[std::size_t(i)]);
  return out;
}

inline engine::Tensor label_tensor(const std::vector<std::int32_t>& labels, engine::Device device) {
  const engine::Tensor host({std::int64_t(labels.size())}, engine::DType::i32, engine::cpu);
  std::memcpy(host.raw(), labels.data(), labels.size() * sizeof(std::int32_t));
  return host.to(device);
}

inline void check_labelled(const char* what, const engine::Tensor& features,
                           const std::vector<std::int32_t>& labels, int classes) {
  using engine::require;
  require(features.shape().rank() == 2 && features.dim(0) == std::int64_t(labels.size()) && !labels.empty(),
          what, ": features are ", features.shape(), ", expected (", labels.size(),
          ",D) for as many labels, at least 1");
  require(features.dtype() == engine::DType::f32 || features.dtype() == engine::DType::f64, what,
          ": features are ", features.dtype(), ", expected f32 or f64");
  for (std::int32_t label : labels)
    require(label >= 0 && label < classes, what, ": label ", label, ", expected 0 .. ", classes - 1);
}

}  // namespace models
