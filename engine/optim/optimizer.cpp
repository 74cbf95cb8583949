#include "engine/optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/kernels.h"

namespace engine {
namespace {

constexpr std::int64_t kChunk = 16384;

std::vector<kernels::OptimizerChunk> cut(const FlatParameters& p) {
  std::vector<kernels::OptimizerChunk> chunks;
  for (const FlatParameters::Segment& s : p.segments) {
    require(s.offset >= 0 && s.numel > 0 && s.offset + s.numel <= p.values.numel(),
            "Optimizer: a segment of ", s.numel, " elements at ", s.offset, ", expected within the ",
            p.values.numel(), " of the buffer");
    const auto first = std::int64_t(chunks.size()), count = (s.numel + kChunk - 1) / kChunk;
    for (std::int64_t i = 0; i < count; ++i)
      chunks.push_back(
          {s.offset + i * kChunk, std::min(kChunk, s.numel - i * kChunk), first, count, s.decayed});
  }
  return chunks;
}

}  // namespace

FlatParameters flat_parameters(const Parameters& parameters, const std::string& prefix) {
  FlatParameters flat{parameters.values(), parameters.gradients(), {}};
  for (const Parameter& p : parameters.list())
    if (p.trained && p.name.starts_with(prefix))
      flat.segments.push_back({p.offset, p.value.numel(), p.decayed, p.value});
  require(!parameters.list().empty(), "flat_parameters: there are no parameters; build() makes them");
  require(flat.gradients.defined(), "flat_parameters: the parameters were made without gradients");
  require(!flat.segments.empty(), "flat_parameters: no trained parameter has a name that begins with \"",
          prefix, "\"");
  return flat;
}

Tensor chunk_table(const FlatParameters& parameters) {
  const auto chunks = cut(parameters);
  require(!chunks.empty(), "Optimizer: no parameters");
  static_assert(sizeof(kernels::OptimizerChunk) == 5 * sizeof(std::int64_t));
  const Tensor host({std::int64_t(chunks.size()), 5}, DType::i64, cpu);
  std::memcpy(host.raw(), chunks.data(), host.bytes());
  return host.to(parameters.values.device());
}

Optimizer::Optimizer(FlatParameters parameters)
    : parameters_(std::move(parameters)), learning_rate_(parameters_.values.device(), sizeof(double)) {
  const Tensor &values = parameters_.values, &gradients = parameters_.gradients;
  require(values.shape() == gradients.shape() && values.dtype() == gradients.dtype(),
          "Optimizer: values are ", values.shape(), " ", values.dtype(), ", gradients ", gradients.shape(),
          " ", gradients.dtype(), ", expected the same");
  require(values.dtype() == DType::f32 || values.dtype() == DType::f64, "Optimizer: values are ",
          values.dtype(), ", expected f32 or f64");
  table_ = chunk_table(parameters_);
}

void Optimizer::set_learning_rate(double learning_rate) {
  require(std::isfinite(learning_rate) && learning_rate >= 0, "Optimizer: learning rate ", learning_rate,
          ", expected a finite number, at least 0");
  learning_rate_.send(&learning_rate, sizeof learning_rate);
  has_rate_ = true;
}

void Optimizer::step() {
  require(has_rate_, "Optimizer: step() before set_learning_rate()");
  for (const FlatParameters::Segment& s : parameters_.segments)
    if (s.leaf.defined() && !has_gradient(s.leaf))  // what an earlier step has left there
      parameters_.gradients.slice_flat(s.offset, {s.numel}).fill_zero();
  update();
}

void Optimizer::step(double learning_rate) {
  set_learning_rate(learning_rate);
  step();
}

Tensor Optimizer::zeros_like_values() const {
  return zeros(parameters_.values.shape(), parameters_.values.dtype(), parameters_.values.device());
}

namespace {

void require_weight_decay(const char* optimizer, double weight_decay) {
  require(weight_decay >= 0 && std::isfinite(weight_decay), optimizer, ": weight decay ", weight_decay,
          ", expected a finite number, at least 0");
}

void require_momentum(const char* optimizer, double momentum, double weight_decay) {
  require(momentum >= 0 && momentum < 1, optimizer, ": momentum ", momentum,
          ", expected at least 0 and below 1");
  require_weight_decay(optimizer, weight_decay);
}

}  // namespace

Sgd::Sgd(FlatParameters parameters, SgdOptions options)
    : Optimizer(std::move(parameters)), options_(options), velocities_(zeros_like_values()) {
  require_momentum("Sgd", options.momentum, options.weight_decay);
  require(!options.nesterov || options.momentum > 0,
          "Sgd: nesterov without momentum, expected a momentum above 0");
}

void Sgd::update() {
  dispatch_f32_f64("Sgd", parameters_.values, [&](auto stream, auto zero) {
    using A = decltype(zero);
    kernels::sgd(stream, chunks(), table(), options_.momentum, options_.weight_decay, options_.nesterov,
                 learning_rate(), parameters_.gradients.data<A>(), velocities_.data<A>(),
                 parameters_.values.data<A>());
  });
}

Lars::Lars(FlatParameters parameters, LarsOptions options)
    : Optimizer(std::move(parameters)),
      options_(options),
      velocities_(zeros_like_values()),
      partials_(zeros({chunks(), 2}, parameters_.values.dtype(), parameters_.values.device())) {
  require_momentum("Lars", options.momentum, options.weight_decay);
  require(options.eta > 0 && options.eps >= 0, "Lars: eta ", options.eta, " and eps ", options.eps,
          ", expected above 0, and at least 0");
}

void Lars::update() {
  const bool google = options_.convention == LarsConvention::google;
  dispatch_f32_f64("Lars", parameters_.values, [&](auto stream, auto zero) {
    using A = decltype(zero);
    const A* gradients = parameters_.gradients.data<A>();
    A* values = parameters_.values.data<A>();
    kernels::lars_norms(stream, chunks(), table(), google ? options_.weight_decay : 0, gradients, values,
                        partials_.data<A>());
    kernels::lars(stream, chunks(), table(), google, options_.momentum, options_.weight_decay, options_.eta,
                  options_.eps, options_.nesterov, learning_rate(), gradients, partials_.data<A>(),
                  velocities_.data<A>(), values);
  });
}

AdamW::AdamW(FlatParameters parameters, AdamWOptions options)
    : Optimizer(std::move(parameters)),
      options_(options),
      first_(zeros_like_values()),
      second_(zeros_like_values()),
      step_(zeros({1}, DType::i64, parameters_.values.device())),
      rates_(zeros({3}, DType::f64, parameters_.values.device())) {
  require(options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 && options.beta2 < 1, "AdamW: betas ",
          options.beta1, " and ", options.beta2, ", expected at least 0 and below 1");
  require_weight_decay("AdamW", options.weight_decay);
  require(options.eps > 0, "AdamW: eps ", options.eps, ", expected above 0");
}

void AdamW::update() {
  dispatch_f32_f64("AdamW", parameters_.values, [&](auto stream, auto zero) {
    using A = decltype(zero);
    kernels::adamw(stream, chunks(), table(), options_.beta1, options_.beta2, options_.eps,
                   options_.weight_decay, learning_rate(), step_.data<std::int64_t>(), rates_.data<double>(),
                   parameters_.gradients.data<A>(), first_.data<A>(), second_.data<A>(),
                   parameters_.values.data<A>());
  });
}

}  // namespace engine
