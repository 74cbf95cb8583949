// The cards of NT-Xent's versions: all are compared with one reference.
#include "tests/study/nt_xent_steps.h"

#include <cmath>

#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

// engine/ops/nt_xent.cpp with other kernels for the two passes over the similarities. Stored: the similarity
// matrix is kept in memory.
template <bool Stored>
Tensors step(const Tensors& in) {
  const Tensor &h = in[0], tau = in[1].detach();
  const std::int64_t rows = h.dim(0), d = h.dim(1);
  const kernels::NtXentShape s{rows, 0, rows, d};
  const std::int64_t splits = kernels::similarity_splits(s);
  const auto make = [&](Shape shape) { return Tensor(shape, h.dtype(), h.device()); };
  const Tensor z = make({rows, d}), norm = make({rows}), loss = make({1});
  const Tensor matrix = make({Stored ? rows * rows : 0}), weight = make({rows}), pull = make({rows});
  dispatch_f32_f64("nt_xent_steps", h, [&](auto stream, auto zero) {
    using T = decltype(zero);
    const Tensor sum = make({splits, rows}), split_top = make({splits, rows}), top = make({rows});
    const Tensor row_loss = make({rows}), workspace = make({kernels::reduce_sum_workspace});
    T* const stored = Stored ? matrix.data<T>() : nullptr;
    kernels::l2_normalize(stream, rows, d, kernels::nt_xent_eps, h.data<T>(), z.data<T>(), norm.data<T>());
    if (Stored) kernels::study::similarities(stream, s, z.data<T>(), stored);
    kernels::study::row_sums(stream, s, z.data<T>(), stored, tau.data<T>(), sum.data<T>(),
                             split_top.data<T>());
    kernels::nt_xent_rows(stream, s, z.data<T>(), norm.data<T>(), tau.data<T>(), sum.data<T>(),
                          split_top.data<T>(), row_loss.data<T>(), top.data<T>(), weight.data<T>(),
                          pull.data<T>());
    kernels::reduce_sum(stream, rows, row_loss.data<T>(), 1.0 / double(rows), loss.data<T>(), false,
                        workspace.data<T>());
  });
  return {record("nt_xent", loss, {h}, [=](const Tensor& dy, Gradients& out) {
    dispatch_f32_f64("nt_xent_steps", z, [&](auto stream, auto zero) {
      using T = decltype(zero);
      const Tensor dz({splits, rows, d}, z.dtype(), z.device());
      const Destination dh = out.destination(0);
      kernels::study::backward(stream, s, z.data<T>(), Stored ? matrix.data<T>() : nullptr, tau.data<T>(),
                               weight.data<T>(), pull.data<T>(), dz.data<T>());
      kernels::nt_xent_jacobian(stream, s, z.data<T>(), norm.data<T>(), tau.data<T>(), dy.data<T>(),
                                static_cast<const T*>(nullptr), dz.data<T>(), dh.tensor.data<T>(),
                                dh.accumulate, static_cast<T*>(nullptr));
    });
  })};
}

// The paper's formula, in f64.
Tensors reference(const Tensors& in) {
  const std::int64_t rows = in[0].dim(0), d = in[0].dim(1);
  const double *h = in[0].data<double>(), tau = in[1].item();
  const auto dot = [=](std::int64_t i, std::int64_t j) {
    double sum = 0;
    for (std::int64_t k = 0; k < d; ++k) sum += h[i * d + k] * h[j * d + k];
    return sum;
  };
  double loss = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto similarity = [=](std::int64_t j) { return dot(i, j) / std::sqrt(dot(i, i) * dot(j, j)); };
    double sum = 0;
    for (std::int64_t j = 0; j < rows; ++j) sum += j == i ? 0 : std::exp(similarity(j) / tau);
    loss += std::log(sum) - similarity((i + rows / 2) % rows) / tau;
  }
  return {full({1}, loss / double(rows), DType::f64, cpu)};
}

OpCase version(const char* name, std::function<Tensors(const Tensors&)> apply) {
  return {
      .name = name,
      .inputs =
          [](const Shape& s, Random& r) {
            return Tensors{leaf(uniform(s, r)), full({1}, 0.2, DType::f64, cpu)};
          },
      .apply = std::move(apply),
      .check = {{2, 1}, {6, 3}, {10, 17}, {66, 2}},
      .bench = {{512, 128}, {1024, 128}, {4096, 128}},
      .reference = reference,
      .flops = [](const Shape& s) { return 6.0 * double(s[0]) * double(s[0]) * double(s[1]); },
  };
}

const AddCase matrix_case{version("nt_xent/1 matrix", step<true>)};
const AddCase rows_case{version("nt_xent/2 rows", step<false>)};
const AddCase tiles_case{
    version("nt_xent/3 tiles", [](const Tensors& in) { return Tensors{nt_xent(in[0], in[1], single())}; })};

}  // namespace
}  // namespace engine
