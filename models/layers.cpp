#include "models/layers.h"

namespace models {

Linear::Linear(const Scope& s, int in, int out, bool with_bias) : weight(s.matrix("weight", {out, in})) {
  if (with_bias) bias = s.bias("bias", out, in);
}

Tensor Linear::operator()(const Tensor& x) const { return engine::linear(x, weight, bias); }

Conv2d::Conv2d(const Scope& s, int in, int out, int kernel, int stride)
    : weight(s.filter("weight", {out, kernel, kernel, in})), stride(stride), padding(kernel / 2) {}

Tensor Conv2d::operator()(const Tensor& x) const { return engine::conv2d(x, weight, stride, padding); }

namespace {

bool again(const Pass& p) { return p.recompute != Recompute::none; }

}  // namespace

BatchNorm::BatchNorm(const Scope& s, int channels, bool affine)
    : weight(affine ? s.constant("weight", channels, 1) : s.unnamed(channels, 1)),
      bias(affine ? s.constant("bias", channels, 0) : s.unnamed(channels, 0)) {
  state.running_mean = s.buffer("running_mean", channels, 0);
  state.running_var = s.buffer("running_var", channels, 1);
  state.num_batches_tracked = s.counter("num_batches_tracked");
}

Tensor BatchNorm::operator()(const Tensor& x, const Pass& p) const {
  return engine::batch_norm(x, weight, bias, state, p.mode, p.communicator, {.again = again(p)}, p.groups);
}

Tensor BatchNorm::relu(const Tensor& x, const Pass& p) const {
  return engine::batch_norm(x, weight, bias, state, p.mode, p.communicator, {.relu = true, .again = again(p)},
                            p.groups);
}

Tensor BatchNorm::add_relu(const Tensor& x, const Tensor& residual, const Pass& p) const {
  return engine::batch_norm(x, weight, bias, state, p.mode, p.communicator,
                            {.relu = true, .residual = residual, .again = again(p)}, p.groups);
}

}  // namespace models
