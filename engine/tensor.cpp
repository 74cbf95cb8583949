#include "engine/tensor.h"

#include <cstring>
#include <limits>

#include "engine/memory/cuda_device.h"
#include "engine/memory/host_wait.h"
#include "engine/tape.h"
#include "kernels/base/launch_log.h"
#include "kernels/base/launch_record.h"
#include "kernels/kernels.h"

namespace engine {
namespace {

struct DTypeInfo {
  const char* name;
  std::size_t size;
};
constexpr DTypeInfo kDTypes[] = {{"f32", 4}, {"f64", 8}, {"bf16", 2}, {"u8", 1}, {"i32", 4}, {"i64", 8}};

// Calls f(T{}) with the element type.
template <class F>
void with_type(DType t, F f) {
  switch (t) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::bf16:
      return f(bf16{});
    case DType::u8:
      return f(std::uint8_t{});
    case DType::i32:
      return f(std::int32_t{});
    case DType::i64:
      return f(std::int64_t{});
  }
}

}  // namespace

std::size_t size_of(DType t) { return kDTypes[int(t)].size; }
const char* name(DType t) { return kDTypes[int(t)].name; }
std::ostream& operator<<(std::ostream& out, DType t) { return out << name(t); }

DType parse_dtype(const std::string& text) {
  for (int i = 0; i < int(std::size(kDTypes)); ++i)
    if (text == kDTypes[i].name) return DType(i);
  throw UsageError("dtype is \"" + text + "\", expected f32, f64 or bf16");
}

namespace {

std::size_t checked_bytes(const Shape& shape, DType dtype) {
  const std::size_t size = size_of(dtype);
  require(shape.numel() <= std::numeric_limits<std::int64_t>::max() / std::int64_t(size), "Tensor: ", shape,
          " ", dtype, " has more than 2^63 bytes");
  return std::size_t(shape.numel()) * size;
}

}  // namespace

Tensor::Tensor(Shape shape, DType dtype, Device device)
    : storage_(std::make_shared<Storage>(device, checked_bytes(shape, dtype))),
      shape_(shape),
      dtype_(dtype) {}

Tensor Tensor::slice_flat(std::int64_t first, Shape shape) const {
  require(node_ == nullptr || !grad_enabled(),
          "Tensor: a view or slice of a tensor with a history would lose the gradient, expected reshape(), "
          "detach() "
          "or a NoGrad");
  require(first >= 0 && first + shape.numel() <= numel(), "Tensor: ", shape, " from element ", first, " of ",
          shape_, " is out of bounds");
  Tensor t = detach();
  t.again_ = nullptr;
  t.offset_ += std::size_t(first) * size_of(dtype_);
  t.shape_ = shape;
  return t;
}

Tensor Tensor::view(Shape shape) const {
  require(shape.numel() == numel(), "Tensor: ", shape_, " cannot be viewed as ", shape);
  return slice_flat(0, shape);
}

Tensor Tensor::slice(std::int64_t first, std::int64_t count) const {
  require(shape_.rank() >= 1 && first >= 0 && count >= 0 && first + count <= dim(0), "Tensor: rows ", first,
          " .. ", first + count, " of ", shape_, " are out of bounds");
  const std::int64_t row = dim(0) > 0 ? numel() / dim(0) : 0;
  switch (shape_.rank()) {
    case 1:
      return slice_flat(first * row, {count});
    case 2:
      return slice_flat(first * row, {count, dim(1)});
    case 3:
      return slice_flat(first * row, {count, dim(1), dim(2)});
    default:
      return slice_flat(first * row, {count, dim(1), dim(2), dim(3)});
  }
}

Tensor Tensor::to(Device d) const {
  if (d == device()) return *this;
  Tensor t(shape_, dtype_, d);
  copy_bytes(t.raw(), d, raw(), device(), bytes());
  return t;
}

Tensor Tensor::clone() const {
  Tensor t(shape_, dtype_, device());
  copy_bytes(t.raw(), device(), raw(), device(), bytes());
  return t;
}

std::vector<double> Tensor::to_vector() const {
  host_waits("Tensor::to_vector");
  const Tensor host = to(cpu);
  std::vector<double> values(static_cast<std::size_t>(numel()));
  with_type(dtype_, [&](auto zero) {
    const auto* data = static_cast<const decltype(zero)*>(host.raw());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = double(data[i]);
  });
  return values;
}

double Tensor::item() const {
  require(numel() == 1, "Tensor::item: the tensor is ", shape_, ", expected one element");
  host_waits("Tensor::item");
  return to_vector()[0];
}

void Tensor::fill_zero() const {
  if (kernels::LaunchLog* log = kernels::launch_log()) log->add("fill_zero", raw(), bytes());
  if (device().backend == Backend::cuda) return cuda::fill(raw(), 0, bytes(), device().index);
  if (kernels::LaunchRecord* record = kernels::launch_record())
    return record->add([at = raw(), bytes = bytes()] { std::memset(at, 0, bytes); });
  std::memset(raw(), 0, bytes());
}

Tensor Tensor::detach() const {
  Tensor t = *this;
  t.node_ = nullptr;
  return t;
}

Tensor zeros(Shape shape, DType dtype, Device device) {
  Tensor t(shape, dtype, device);
  t.fill_zero();
  return t;
}

Tensor from_vector(Shape shape, const std::vector<double>& values, DType dtype, Device device) {
  require(std::int64_t(values.size()) == shape.numel(), "from_vector: ", values.size(), " values for ",
          shape);
  host_waits("from_vector");
  Tensor t(shape, dtype, cpu);
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    auto* data = static_cast<T*>(t.raw());
    for (std::size_t i = 0; i < values.size(); ++i) data[i] = T(values[i]);
  });
  return t.to(device);
}

Tensor full(Shape shape, double value, DType dtype, Device device) {
  if (dtype != DType::f32 && dtype != DType::f64 && dtype != DType::bf16)
    return from_vector(shape, std::vector<double>(std::size_t(shape.numel()), value), dtype, device);
  Tensor t(shape, dtype, device);
  dispatch("full", t, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::fill(stream, t.numel(), value, t.data<T>());
  });
  return t;
}

void require_floating(const char* op, const Tensor& t) {
  const DType type = t.dtype();
  require(type == DType::f32 || type == DType::f64 || type == DType::bf16, op, ": dtype ", type,
          ", expected f32, f64 or bf16");
}

void require_f32_f64(const char* op, const Tensor& t) {
  require(t.dtype() == DType::f32 || t.dtype() == DType::f64, op, ": dtype ", t.dtype(),
          ", expected f32 or f64");
}

}  // namespace engine
