#include "engine/optim/parameters.h"

#include <algorithm>
#include <cmath>

#include "engine/files/hash.h"
#include "engine/memory/failed_allocation.h"
#include "engine/random.h"

namespace engine {
namespace {

constexpr std::int64_t kAlignment = 16;  // in elements: each parameter begins on a cache line

std::int64_t padded(std::int64_t n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

Parameters::Parameters(Device device, DType dtype, std::uint64_t seed, bool with_gradients)
    : device_(device), dtype_(dtype), seed_(seed), with_gradients_(with_gradients) {
  require(dtype == DType::f32 || dtype == DType::f64, "Parameters: dtype ", dtype, ", expected f32 or f64");
}

void Parameters::allocate() {
  const Making making(kParameters);
  end_ = 0;
  for (const Parameter& p : list_)
    if (p.trained) end_ += padded(p.value.numel());
  values_ = zeros({end_}, dtype_, device_);  // the padding stays zero, so that norms over a range are correct
  if (with_gradients_) gradients_ = zeros({end_}, dtype_, device_);
  list_.clear();
  counting_ = false;
}

std::int64_t Parameters::trained_count() const {
  std::int64_t n = 0;
  for (const Parameter& p : list_)
    if (p.trained) n += p.value.numel();
  return n;
}

void Parameters::clear_gradients() const {
  for (const Parameter& p : list_)
    if (p.trained) clear_gradient(p.value);
}

std::uint64_t Parameters::hash(const std::string& prefix) const {
  std::uint64_t h = fnv1a(nullptr, 0);
  for (const Parameter& p : list_) {
    if (p.name.rfind(prefix, 0) != 0) continue;
    const Tensor host = p.value.detach().to(cpu);
    h = fnv1a(p.name.data(), p.name.size(), h);
    h = fnv1a(host.raw(), host.bytes(), h);
  }
  return h;
}

void copy_parameters(const Parameters& from, const Parameters& to, const std::string& prefix) {
  for (const Parameter& p : to.list()) {
    if (!p.name.starts_with(prefix)) continue;
    const auto source = std::ranges::find(from.list(), p.name, &Parameter::name);
    require(source != from.list().end() && source->value.shape() == p.value.shape() &&
                source->value.dtype() == p.value.dtype(),
            "copy_parameters: ", p.name, ": expected ", p.value.dtype(), " ", p.value.shape(),
            " in the source");
    copy_bytes(p.value.raw(), to.device(), source->value.raw(), from.device(), p.value.bytes());
  }
}

NamedTensors by_parameter(const NamedTensors& state, const Parameters& parameters) {
  NamedTensors cut;
  for (const auto& [name, value] : state) {
    if (value.shape() != parameters.values().shape()) {
      cut.emplace_back(name, value);
      continue;
    }
    for (const Parameter& p : parameters.list())
      if (p.trained) cut.emplace_back(name + "." + p.name, value.slice_flat(p.offset, p.value.shape()));
  }
  return cut;
}

Scope Scope::operator/(const std::string& name) const {
  return Scope(*into_, path_.empty() ? name : path_ + "." + name);
}

template <class Draw>
Tensor Scope::trained(const std::string& name, Shape shape, bool decayed, bool filter, Draw draw) const {
  Parameters& all = *into_;
  const std::string full_name = path_.empty() ? name : path_ + "." + name;
  for (const Parameter& p : all.list_) require(p.name != full_name, "Parameters: two are named ", full_name);
  require(shape.numel() >= 1, "Parameters: ", full_name, " is ", shape, ", expected extents of at least 1");
  Parameter p{full_name, {}, true, decayed, filter, 0};
  if (all.counting_) {
    p.value = Tensor(shape, all.dtype_, cpu);
  } else {
    all.end_ -= padded(shape.numel());
    p.offset = all.end_;
    Random random(all.seed_, std::uint32_t(fnv1a(full_name.data(), full_name.size())), 0, 0x1A17);
    std::vector<double> values(static_cast<std::size_t>(shape.numel()));
    for (double& v : values) v = draw(random);
    const Tensor value = all.values_.slice_flat(p.offset, shape);
    const Tensor host = from_vector(shape, values, all.dtype_);
    copy_bytes(value.raw(), all.device_, host.raw(), cpu, host.bytes());
    p.value = all.with_gradients_ ? leaf(value, all.gradients_.slice_flat(p.offset, shape)) : value;
  }
  all.list_.push_back(p);
  return p.value;
}

Tensor Scope::filter(const std::string& name, Shape shape) const {
  const double deviation = std::sqrt(2.0 / double(shape[0] * shape[1] * shape[2]));
  return trained(name, shape, true, true, [=](Random& r) { return deviation * r.normal(); });
}

Tensor Scope::matrix(const std::string& name, Shape shape) const {
  const double bound = 1 / std::sqrt(double(shape[1]));
  return trained(name, shape, true, false, [=](Random& r) { return r.uniform(-bound, bound); });
}

Tensor Scope::bias(const std::string& name, std::int64_t size, std::int64_t fan_in) const {
  const double bound = 1 / std::sqrt(double(fan_in));
  return trained(name, {size}, false, false, [=](Random& r) { return r.uniform(-bound, bound); });
}

Tensor Scope::constant(const std::string& name, std::int64_t size, double value) const {
  return trained(name, {size}, false, false, [=](Random&) { return value; });
}

Tensor Scope::buffer(const std::string& name, std::int64_t size, double value) const {
  const Tensor t = full({size}, value, into_->dtype_, into_->device_);
  into_->list_.push_back({path_.empty() ? name : path_ + "." + name, t});
  return t;
}

Tensor Scope::unnamed(std::int64_t size, double value) const {
  return full({size}, value, into_->dtype_, into_->device_);
}

Tensor Scope::counter(const std::string& name) const {
  const Tensor t = zeros({1}, DType::i64, into_->device_);
  into_->list_.push_back({path_.empty() ? name : path_ + "." + name, t});
  return t;
}

}  // namespace engine
