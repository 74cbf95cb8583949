#include <cmath>

#include "engine/check/op_case.h"
#include "engine/ops.h"

namespace engine {
namespace {

// The formula of the paper with the whole matrix.
Tensors sup_con_matrix_form(const Tensors& in) {
  const std::int64_t rows = in[0].dim(0), d = in[0].dim(1);
  const double *h = in[0].data<double>(), tau = in[2].item();
  const auto* label = in[1].data<std::int32_t>();
  const auto dot = [=](std::int64_t i, std::int64_t j) {
    double sum = 0;
    for (std::int64_t k = 0; k < d; ++k) sum += h[i * d + k] * h[j * d + k];
    return sum;
  };
  double loss = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    double all = 0, similarities = 0, positives = 0;
    for (std::int64_t j = 0; j < rows; ++j) {
      if (j == i) continue;
      const double s = dot(i, j) / std::sqrt(dot(i, i) * dot(j, j)) / tau;
      all += std::exp(s);
      if (label[j] == label[i]) similarities += s, positives += 1;
    }
    loss += std::log(all) - similarities / positives;
  }
  return {full({1}, loss / double(rows), DType::f64, cpu)};
}

// The shape is (rows, width, classes); both views of an image have its class.
OpCase sup_con_case(const char* name, double tau, std::vector<Shape> check, std::vector<Shape> bench) {
  return {
      .name = name,
      .inputs =
          [=](const Shape& s, Random& r) {
            Tensor labels({s[0]}, DType::i32, cpu);
            auto* label = labels.data<std::int32_t>();
            for (std::int64_t i = 0; i < s[0] / 2; ++i)
              label[i] = label[i + s[0] / 2] = std::int32_t(r.below(std::uint32_t(s[2])));
            return Tensors{leaf(uniform({s[0], s[1]}, r)), labels, leaf(full({1}, tau, DType::f64, cpu))};
          },
      .apply = [](const Tensors& in) { return Tensors{sup_con(in[0], in[1], in[2], single())}; },
      .check = std::move(check),
      .bench = std::move(bench),
      .reference = sup_con_matrix_form,
      // forward 2 M^2 D, backward 4 M^2 D
      .flops = [](const Shape& s) { return 6.0 * double(s[0]) * double(s[0]) * double(s[1]); },
  };
}

// one pair; one class; odd; more than one tile of rows and of columns
const AddCase sup_con_of_classes{sup_con_case("sup_con", 0.2, {{2, 1, 1}, {4, 3, 1}, {10, 17, 3}, {66, 2, 5}},
                                              {{512, 128, 10}, {1024, 128, 100}})};
// tau below 1/34: the maximum similarity of a row is found online
const AddCase sup_con_cold{
    sup_con_case("sup_con/cold", 0.025, {{2, 3, 1}, {6, 3, 2}, {66, 2, 7}}, {{1024, 128, 100}})};

}  // namespace
}  // namespace engine
