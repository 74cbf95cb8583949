#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

// The shape is (rows of x, width, rows taken); each row may be taken several times, or never.
Tensors take_rows_inputs(const Shape& s, Random& r) {
  const Tensor rows({s[2]}, DType::i32, cpu);
  for (std::int64_t i = 0; i < s[2]; ++i)
    rows.data<std::int32_t>()[i] = std::int32_t(r.below(std::uint32_t(s[0])));
  return {uniform({s[0], s[1]}, r), rows};
}

Tensors take_rows_reference(const Tensors& in) {
  const std::int64_t d = in[0].dim(1);
  std::vector<double> y;
  for (std::int64_t i = 0; i < in[1].dim(0); ++i) {
    const double* row = in[0].data<double>() + in[1].data<std::int32_t>()[i] * d;
    y.insert(y.end(), row, row + d);
  }
  return {from_vector({in[1].dim(0), d}, y, DType::f64)};
}

const AddCase take_rows_case{{
    .name = "take_rows",
    .inputs = take_rows_inputs,
    .apply = [](const Tensors& in) { return Tensors{take_rows(in[0], in[1])}; },
    .check = {{1, 1, 1}, {5, 3, 7}, {129, 2, 130}},
    .bench = {{4096, 128, 4096}},
    .reference = take_rows_reference,
}};

}  // namespace
}  // namespace engine
