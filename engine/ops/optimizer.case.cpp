// Cards of the optimizers' launchers: one step from given values, gradients and state. They are not
// differentiated.
#include "engine/optim/optimizer.h"

#include <cmath>

#include "engine/check/op_case.h"

namespace engine {
namespace {

constexpr double kRate = 0.1, kDecay = 0.05;

// in: values and gradients. The first third of the elements forms a parameter without weight decay.
Tensors step_inputs(const Shape& s, Random& r) { return {uniform(s, r), away_from(0, s, r)}; }
std::int64_t split(const Tensors& in) { return in[0].numel() / 3; }

template <class Kind, class Options>
Tensors step(const Tensors& in, const Options& options) {
  const std::int64_t n = in[0].numel(), first = split(in);
  FlatParameters p{in[0].clone().view({n}), in[1].clone().view({n}), {{first, n - first, true}}};
  if (first > 0) p.segments.push_back({0, first, false});
  Kind optimizer(p, options);
  optimizer.step(kRate);
  optimizer.step(kRate / 2);
  Tensors out{p.values};
  for (const auto& [name, tensor] : optimizer.state())
    if (tensor.dtype() == p.values.dtype()) out.push_back(tensor);
  return out;
}

const SgdOptions sgd_options{.momentum = 0.9, .weight_decay = kDecay, .nesterov = true};
const LarsOptions google{.weight_decay = kDecay, .eta = 0.02};
const LarsOptions lightly{
    .convention = LarsConvention::lightly, .weight_decay = kDecay, .eta = 0.02, .nesterov = true};
const AdamWOptions adamw_options{.weight_decay = kDecay};

Tensors sgd_reference(const Tensors& in) {
  std::vector<double> w = in[0].to_vector(), g = in[1].to_vector(), v(w.size());
  for (double lr : {kRate, kRate / 2})
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double d = g[i] + (std::int64_t(i) < split(in) ? 0 : kDecay) * w[i];
      v[i] = 0.9 * v[i] + d;
      w[i] -= lr * (d + 0.9 * v[i]);
    }
  const Shape flat{in[0].numel()};
  return {from_vector(flat, w, DType::f64), from_vector(flat, v, DType::f64)};
}

Tensors lars_reference(const Tensors& in, const LarsOptions& o) {
  std::vector<double> w = in[0].to_vector(), g = in[1].to_vector(), v(w.size());
  const auto first = std::size_t(split(in));
  const bool is_google = o.convention == LarsConvention::google;
  for (double lr : {kRate, kRate / 2}) {
    double ww = 0, gg = 0;
    for (std::size_t i = first; i < w.size(); ++i) {
      ww += w[i] * w[i];
      gg += std::pow(g[i] + (is_google ? kDecay * w[i] : 0), 2);
    }
    const double adapted =
        o.eta * std::sqrt(ww) / (std::sqrt(gg) + (is_google ? 0 : kDecay * std::sqrt(ww) + o.eps));
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double d = i < first ? g[i] : adapted * (g[i] + kDecay * w[i]), scaled = (is_google ? lr : 1) * d;
      v[i] = 0.9 * v[i] + scaled;
      w[i] -= (is_google ? 1 : lr) * (o.nesterov ? scaled + 0.9 * v[i] : v[i]);
    }
  }
  const Shape flat{in[0].numel()};
  return {from_vector(flat, w, DType::f64), from_vector(flat, v, DType::f64)};
}

Tensors adamw_reference(const Tensors& in) {
  std::vector<double> w = in[0].to_vector(), g = in[1].to_vector(), m(w.size()), v(w.size());
  for (int t = 1; t <= 2; ++t)
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double lr = kRate / t;
      if (std::int64_t(i) >= split(in)) w[i] *= 1 - lr * kDecay;
      m[i] = 0.9 * m[i] + 0.1 * g[i];
      v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
      w[i] -= lr * m[i] / (1 - std::pow(0.9, t)) / (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-8);
    }
  const Shape flat{in[0].numel()};
  return {from_vector(flat, w, DType::f64), from_vector(flat, m, DType::f64),
          from_vector(flat, v, DType::f64)};
}

const std::vector<Shape> check{{1}, {5}, {3, 86}, {16385}};  // 16,384 elements are a chunk
const std::vector<Shape> bench{{11181642}};                  // the number of parameters of a ResNet-18

const AddCase sgd_case{{.name = "sgd",
                        .inputs = step_inputs,
                        .apply = [](const Tensors& in) { return step<Sgd>(in, sgd_options); },
                        .check = check,
                        .bench = bench,
                        .reference = sgd_reference}};

const AddCase lars_case{{.name = "lars",
                         .inputs = step_inputs,
                         .apply = [](const Tensors& in) { return step<Lars>(in, google); },
                         .check = check,
                         .bench = bench,
                         .reference = [](const Tensors& in) { return lars_reference(in, google); }}};

const AddCase lightly_case{{.name = "lars/lightly",
                            .inputs = step_inputs,
                            .apply = [](const Tensors& in) { return step<Lars>(in, lightly); },
                            .check = check,
                            .bench = bench,
                            .reference = [](const Tensors& in) { return lars_reference(in, lightly); }}};

const AddCase adamw_case{{.name = "adamw",
                          .inputs = step_inputs,
                          .apply = [](const Tensors& in) { return step<AdamW>(in, adamw_options); },
                          .check = check,
                          .bench = bench,
                          .reference = adamw_reference}};

}  // namespace
}  // namespace engine
