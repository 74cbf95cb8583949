// Cards of the kernels with a bug, and of their right twins.
#include "engine/check/op_case.h"
#include "engine/tape.h"
#include "tests/lab/kernels.h"

namespace {

using namespace engine;

const auto one_input = [](const Shape& s, Random& r) { return Tensors{uniform(s, r)}; };

Tensor scale(const Tensor& x, const Tensor& weight, bool right) {
  const std::int64_t R = x.dim(0), C = x.dim(1);
  Tensor y = empty_like(x);
  dispatch_f32_f64("lab", x, [&](auto stream, auto zero) {
    using T = decltype(zero);
    lab::scale(stream, R, C, x.data<T>(), weight.data<T>(), y.data<T>());
  });
  return record("scale", y, {weight}, [=](const Tensor& dy, Gradients& out) {
    const Destination d = out.destination(0);
    dispatch_f32_f64("lab", x, [&](auto stream, auto zero) {
      using T = decltype(zero);
      lab::scale_dweight(stream, right, R, C, x.data<T>(), dy.data<T>(), d.tensor.data<T>(), d.accumulate);
    });
  });
}

template <bool Right>
OpCase scale_card(const char* name) {
  return {.name = name,
          .inputs =
              [](const Shape& s, Random& r) {
                return Tensors{uniform(s, r), leaf(uniform({s[1]}, r))};
              },
          .apply = [](const Tensors& in) { return Tensors{scale(in[0], in[1], Right)}; },
          .check = {{3, 5}, {2, 65}}};
}
const AddCase overwrites{scale_card<false>("overwrites")}, adds{scale_card<true>("adds")};

// The sum of each row by plain loops; of the rows before it too, or of so many columns.
Tensors sums(const Tensor& x, bool prefix, const int* length = nullptr) {
  Tensor y = zeros({x.dim(0)}, DType::f64, cpu);
  double sum = 0;
  for (std::int64_t r = 0; r < x.dim(0); ++r) {
    if (!prefix) sum = 0;
    for (std::int64_t c = 0; c < (length != nullptr ? length[r] : x.dim(1)); ++c)
      sum += x.data<double>()[r * x.dim(1) + c];
    y.data<double>()[r] = sum;
  }
  return {y};
}

template <lab::Waits How>
OpCase prefix_card(const char* name) {
  return {.name = name,
          .inputs = one_input,
          .apply =
              [](const Tensors& in) {
                const Tensor& x = in[0];
                Tensor y({x.dim(0)}, x.dtype(), x.device());
                const Tensor done = zeros({x.dim(0)}, DType::i32, x.device());
                dispatch_f32_f64("lab", x, [&](auto stream, auto zero) {
                  using T = decltype(zero);
                  lab::prefix_sums(stream, How, x.dim(0), x.dim(1), x.data<T>(),
                                   reinterpret_cast<unsigned*>(done.data<int>()), y.data<T>());
                });
                return Tensors{y};
              },
          .check = {{7, 3}},
          .reference = [](const Tensors& in) { return sums(in[0], true); }};
}
const AddCase chain{prefix_card<lab::Waits::for_the_block_before>("chain")},
    chain_reversed{prefix_card<lab::Waits::for_the_block_after>("chain_reversed")},
    chain_unseen{prefix_card<lab::Waits::without_atomics>("chain_unseen")};

template <bool Right>
OpCase lockstep_card(const char* name) {
  return {.name = name,
          .inputs =
              [](const Shape& s, Random& r) {
                Tensor length({s[0]}, DType::i32, cpu);
                for (std::int64_t i = 0; i < s[0]; ++i) length.data<int>()[i] = int(s[1] - i % 2);
                return Tensors{uniform(s, r), length};
              },
          .apply =
              [](const Tensors& in) {
                const Tensor& x = in[0];
                Tensor y({x.dim(0)}, x.dtype(), x.device());
                const Tensor arrived = zeros({1}, DType::i32, x.device());
                dispatch_f32_f64("lab", x, [&](auto stream, auto zero) {
                  using T = decltype(zero);
                  lab::lockstep_sums(stream, Right, x.dim(0), x.dim(1), in[1].data<int>(), x.data<T>(),
                                     reinterpret_cast<unsigned*>(arrived.data<int>()), y.data<T>());
                });
                return Tensors{y};
              },
          .check = {{3, 4}},
          .reference = [](const Tensors& in) { return sums(in[0], false, in[1].data<int>()); }};
}
const AddCase lockstep{lockstep_card<true>("lockstep")},
    lockstep_uneven{lockstep_card<false>("lockstep_uneven")};

template <bool Right>
OpCase atomic_card(const char* name, bool declared) {
  return {.name = name,
          .inputs = one_input,
          .apply =
              [](const Tensors& in) {
                const Tensor& x = in[0];
                Tensor y({1}, x.dtype(), x.device());
                dispatch_f32_f64("lab", x, [&](auto stream, auto zero) {
                  using T = decltype(zero);
                  lab::atomic_sum(stream, Right, x.dim(0), x.dim(1), x.data<T>(), y.data<T>());
                });
                return Tensors{y};
              },
          .check = {{5, 67}},
          .reference =
              [](const Tensors& in) {
                double sum = 0;
                for (double v : in[0].to_vector()) sum += v * v;
                return Tensors{full({1}, sum, DType::f64, cpu)};
              },
          .float_atomics = declared};
}
const AddCase atomics{atomic_card<true>("float_atomics", true)},
    atomics_undeclared{atomic_card<true>("float_atomics_undeclared", false)},
    atomics_lost{atomic_card<false>("float_atomics_lost", true)};

template <bool Right>
OpCase warp_card(const char* name) {
  return {.name = name,
          .inputs = one_input,
          .apply =
              [](const Tensors& in) {
                const Tensor& x = in[0];
                Tensor y({x.dim(0)}, x.dtype(), x.device());
                dispatch_f32_f64("lab", x, [&](auto stream, auto zero) {
                  using T = decltype(zero);
                  lab::part_of_warp_sum(stream, Right, x.dim(0), x.dim(1), x.data<T>(), y.data<T>());
                });
                return Tensors{y};
              },
          .check = {{2, 24}},
          .reference = [](const Tensors& in) { return sums(in[0], false); },
          .whole_warps = true};
}
const AddCase part_of_warp{warp_card<true>("part_of_warp")}, part_used{warp_card<false>("part_of_warp_used")};

template <lab::Access How>
OpCase shared_card(const char* name) {
  return {.name = name,
          .inputs = one_input,
          .apply =
              [](const Tensors& in) {
                const Tensor& x = in[0];
                Tensor y({x.dim(0)}, x.dtype(), x.device());
                dispatch_f32_f64("lab", x, [&](auto stream, auto zero) {
                  using T = decltype(zero);
                  lab::shared_sum(stream, How, x.dim(0), x.dim(1), x.data<T>(), y.data<T>());
                });
                return Tensors{y};
              },
          .check = {{2, 70}},
          .reference = [](const Tensors& in) { return sums(in[0], false); }};
}
const AddCase wild{shared_card<lab::Access::wild>("wild")}, shared{shared_card<lab::Access::right>("shared")},
    shared_past_end{shared_card<lab::Access::past_shared_array>("shared_past_end")};

// Differs from its reference.
const AddCase off{{.name = "off",
                   .inputs = one_input,
                   .apply =
                       [](const Tensors& in) {
                         Tensor y = in[0].clone();
                         return Tensors{y};
                       },
                   .check = {{2, 2}},
                   .reference =
                       [](const Tensors& in) {
                         Tensor y = in[0].clone();
                         y.data<double>()[3] = 7;
                         return Tensors{y};
                       }}};

}  // namespace
