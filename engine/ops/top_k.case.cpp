#include <algorithm>
#include <numeric>

#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

int k_of(const Shape& s) { return int(std::min<std::int64_t>((s[1] + 1) / 2, 200)); }  // kNN uses k = 200

Tensors sorted(const Tensors& in) {
  const Shape& s = in[0].shape();
  const int k = k_of(s);
  Tensor values({s[0], k}, DType::f64, cpu), indices({s[0], k}, DType::i32, cpu);
  std::vector<std::int32_t> order(std::size_t(s[1]), 0);
  for (std::int64_t row = 0; row < s[0]; ++row) {
    const double* x = in[0].data<double>() + row * s[1];
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [=](int a, int b) { return x[a] > x[b]; });
    for (int i = 0; i < k; ++i) {
      values.data<double>()[row * k + i] = x[order[std::size_t(i)]];
      indices.data<std::int32_t>()[row * k + i] = order[std::size_t(i)];
    }
  }
  return {values, indices};
}

Tensors top_k_apply(const Tensors& in) {
  const TopK top = top_k(in[0], k_of(in[0].shape()));
  return {top.values, top.indices};
}

const AddCase top_k_case{{
    .name = "top_k",
    .inputs = [](const Shape& s, Random& r) { return Tensors{distinct(s, r)}; },
    .apply = top_k_apply,
    .check = {{1, 1}, {3, 7}, {2, 257}},
    .bench = {{256, 5000}, {256, 50000}},
    .reference = sorted,
}};

// ties, zeros of both signs, large and small values
const AddCase top_k_ties_case{{
    .name = "top_k/ties",
    .inputs =
        [](const Shape& s, Random& r) {
          const double of[] = {0.0, -0.0, 1.0, -1.0, 2.5, -1e30, 1e30};
          Tensor t = uniform(s, r);
          for (std::int64_t i = 0; i < t.numel(); ++i) t.data<double>()[i] = of[r.below(7)];
          return Tensors{t};
        },
    .apply = top_k_apply,
    .check = {{1, 2}, {3, 9}, {2, 300}, {1, 700}},
    .bench = {{256, 5000}},
    .reference = sorted,
}};

}  // namespace
}  // namespace engine
