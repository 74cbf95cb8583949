#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

// The reference: the permutation by plain loops.
Tensors permuted(const Tensor& x, bool to_nhwc) {
  const std::int64_t N = x.dim(0), C = to_nhwc ? x.dim(1) : x.dim(3), S = x.numel() / N / C;
  const std::vector<double> in = x.to_vector();
  std::vector<double> out(in.size());
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t c = 0; c < C; ++c)
      for (std::int64_t s = 0; s < S; ++s) {
        const std::size_t nchw = std::size_t((n * C + c) * S + s), nhwc = std::size_t((n * S + s) * C + c);
        if (to_nhwc)
          out[nhwc] = in[nchw];
        else
          out[nchw] = in[nhwc];
      }
  const Shape shape = to_nhwc ? Shape{N, x.dim(2), x.dim(3), C} : Shape{N, C, x.dim(1), x.dim(2)};
  return {from_vector(shape, out, DType::f64)};
}

const AddCase nchw_to_nhwc_case{{
    .name = "nchw_to_nhwc",
    .inputs = [](const Shape& s, Random& r) { return Tensors{leaf(uniform(s, r))}; },
    .apply = [](const Tensors& in) { return Tensors{nchw_to_nhwc(in[0])}; },
    // few rows, few columns, neither; exactly one tile, and one value more
    .check = {{1, 1, 1, 1}, {2, 3, 5, 7}, {1, 4, 1, 2}, {1, 2, 27, 19}, {1, 65, 1, 6}, {1, 5, 5, 13}},
    .bench = {{256, 3, 224, 224}, {256, 64, 32, 32}},
    .reference = [](const Tensors& in) { return permuted(in[0], true); },
    .bf16 = true,
}};

const AddCase nhwc_to_nchw_case{{
    .name = "nhwc_to_nchw",
    .inputs = [](const Shape& s, Random& r) { return Tensors{leaf(uniform(s, r))}; },
    .apply = [](const Tensors& in) { return Tensors{nhwc_to_nchw(in[0])}; },
    .check = {{1, 1, 1, 1}, {2, 5, 7, 3}, {1, 1, 2, 4}, {1, 27, 19, 2}, {1, 1, 6, 65}, {1, 5, 13, 5}},
    .bench = {{256, 32, 32, 64}},
    .reference = [](const Tensors& in) { return permuted(in[0], false); },
    .bf16 = true,
}};

}  // namespace
}  // namespace engine
