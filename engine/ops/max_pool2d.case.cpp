#include <algorithm>
#include <limits>

#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

Tensor max_pool_reference(const Tensor& x, int kernel, int stride, int padding) {
  const std::int64_t N = x.dim(0), H = x.dim(1), W = x.dim(2), C = x.dim(3);
  const std::int64_t P = (H + 2 * padding - kernel) / stride + 1, Q = (W + 2 * padding - kernel) / stride + 1;
  const std::vector<double> in = x.to_vector();
  std::vector<double> out(std::size_t(N * P * Q * C), -std::numeric_limits<double>::infinity());
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t p = 0; p < P; ++p)
      for (std::int64_t q = 0; q < Q; ++q)
        for (std::int64_t h = std::max<std::int64_t>(0, p * stride - padding);
             h < std::min(H, p * stride - padding + kernel); ++h)
          for (std::int64_t w = std::max<std::int64_t>(0, q * stride - padding);
               w < std::min(W, q * stride - padding + kernel); ++w)
            for (std::int64_t c = 0; c < C; ++c) {
              double& y = out[std::size_t(((n * P + p) * Q + q) * C + c)];
              y = std::max(y, in[std::size_t(((n * H + h) * W + w) * C + c)]);
            }
  return from_vector({N, P, Q, C}, out, DType::f64);
}

// All values differ by more than the step of the central differences, so there are no ties.
Tensors max_pool_inputs(const Shape& s, Random& r) { return {leaf(distinct(s, r))}; }

const AddCase overlapping_case{{
    .name = "max_pool2d",  // the stem of a ResNet: windows overlap and overhang the edge
    .inputs = max_pool_inputs,
    .apply = [](const Tensors& in) { return Tensors{max_pool2d(in[0], 3, 2, 1)}; },
    .check = {{1, 1, 1, 1}, {2, 5, 4, 3}, {1, 7, 3, 2}, {1, 2, 1, 65}, {2, 5, 4, 8}},
    .bench = {{64, 112, 112, 64}},
    .reference = [](const Tensors& in) { return Tensors{max_pool_reference(in[0], 3, 2, 1)}; },
    .bf16 = true,
}};

const AddCase disjoint_case{{
    .name = "max_pool2d/2x2",
    .inputs = max_pool_inputs,
    .apply = [](const Tensors& in) { return Tensors{max_pool2d(in[0], 2, 2, 0)}; },
    .check = {{1, 2, 2, 1}, {2, 5, 4, 3}, {1, 2, 2, 17}, {1, 2, 2, 16}},
    .bench = {{16, 112, 112, 64}},
    .reference = [](const Tensors& in) { return Tensors{max_pool_reference(in[0], 2, 2, 0)}; },
    .bf16 = true,
}};

const AddCase gaps_case{{
    .name = "max_pool2d/gaps",  // a stride larger than the window: some pixels are in no window
    .inputs = max_pool_inputs,
    .apply = [](const Tensors& in) { return Tensors{max_pool2d(in[0], 2, 3, 1)}; },
    .check = {{1, 1, 1, 1}, {1, 7, 6, 3}},
    .bench = {{16, 112, 112, 64}},
    .reference = [](const Tensors& in) { return Tensors{max_pool_reference(in[0], 2, 3, 1)}; },
}};

}  // namespace
}  // namespace engine
