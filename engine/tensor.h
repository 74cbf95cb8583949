// Tensor: a dense, row-major array on one device. Copies share the storage.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "engine/device.h"
#include "engine/shape.h"
#include "kernels/base/bf16.h"

namespace engine {

using kernels::bf16;

enum class DType : std::uint8_t { f32, f64, bf16, u8, i32, i64 };

std::size_t size_of(DType);
const char* name(DType);
std::ostream& operator<<(std::ostream&, DType);
DType parse_dtype(const std::string& text);  // "f32", "bf16" ...; UsageError for other texts

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<bf16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <class T>
constexpr DType dtype_of = DTypeOf<T>::value;

// The dtype of parameters, statistics and losses where activations are of type t: f32 for bf16, else t.
constexpr DType accumulator(DType t) { return t == DType::bf16 ? DType::f32 : t; }

struct Node;   // how a tensor was computed, see tape.h
struct Again;  // how to compute it a second time, see recompute.h

class Tensor {
 public:
  Tensor() = default;                               // no tensor: defined() is false
  Tensor(Shape shape, DType dtype, Device device);  // uninitialised

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  std::int64_t dim(int i) const {
    require(i >= 0 && i < shape_.rank(), "Tensor::dim: ", i, ", expected less than the rank of ", shape_);
    return shape_[i];
  }
  std::int64_t numel() const { return shape_.numel(); }
  std::size_t bytes() const { return std::size_t(numel()) * size_of(dtype_); }
  DType dtype() const { return dtype_; }
  Device device() const { return storage().device(); }

  // Pointer to the first element. T must match the dtype. The host can dereference it only for a host tensor.
  template <class T>
  T* data() const {
    require(dtype_of<T> == dtype_, "Tensor::data: the tensor is ", name(dtype_), ", asked for ",
            name(dtype_of<T>));
    return static_cast<T*>(raw());
  }
  template <class T>
  T* data_or_null() const {  // null where there is no tensor
    return defined() ? data<T>() : nullptr;
  }
  void* raw() const { return static_cast<char*>(storage().data()) + offset_; }

  // No gradient flows through the next five. The first three are refused outside of a NoGrad if the tensor
  // has a history; the op reshape() has a gradient. The last two give a tensor without the history.
  Tensor view(Shape shape) const;                              // the same elements, another shape
  Tensor slice(std::int64_t first, std::int64_t count) const;  // rows first .. first + count, no copy
  Tensor slice_flat(std::int64_t first,
                    Shape shape) const;  // from element `first` of the flat array, no copy
  Tensor to(Device) const;               // the same tensor if it is already on the device
  Tensor clone() const;
  double item() const;                    // the one element of a tensor, from any device
  std::vector<double> to_vector() const;  // every element, from any device and dtype
  void fill_zero() const;
  bool shares_storage() const { return storage_.use_count() > 1; }

  const std::shared_ptr<Node>& node() const { return node_; }  // null: no gradient flows through this tensor
  Tensor detach() const;                                       // the same elements without history

 private:
  friend Tensor with_node(Tensor, std::shared_ptr<Node>);
  friend Tensor computed_again(const Tensor&, std::function<Tensor()>);
  friend class Region;
  const Storage& storage() const {
    require(defined(), "Tensor: undefined, expected one that was given a shape or computed");
    return *storage_;
  }
  std::shared_ptr<Storage> storage_;
  std::size_t offset_ = 0;  // in bytes
  Shape shape_{};
  DType dtype_ = DType::f32;
  std::shared_ptr<Node> node_;
  std::shared_ptr<Again> again_;
};

using Tensors = std::vector<Tensor>;

inline Tensor empty_like(const Tensor& t) { return Tensor(t.shape(), t.dtype(), t.device()); }
Tensor zeros(Shape, DType, Device);
Tensor full(Shape, double value, DType, Device);
Tensor from_vector(Shape, const std::vector<double>&, DType, Device = cpu);

// std::invalid_argument, which names the op, if t has another type than f32, f64 or bf16, or than f32 or f64.
void require_floating(const char* op, const Tensor& t);
void require_f32_f64(const char* op, const Tensor& t);

// Calls f(stream, T{}) with the stream of the tensor's device and its element type: f32, f64 or bf16. `op` is
// named in the error about another type.
template <class F>
void dispatch(const char* op, const Tensor& t, F f) {
  on_stream(t.device(), [&](auto stream) {
    switch (t.dtype()) {
      case DType::f32:
        return f(stream, float{});
      case DType::f64:
        return f(stream, double{});
      case DType::bf16:
        return f(stream, bf16{});
      default:
        require_floating(op, t);
    }
  });
}

// The same for ops that have no bf16 (losses, statistics, optimizers): f32 or f64.
template <class F>
void dispatch_f32_f64(const char* op, const Tensor& t, F f) {
  on_stream(t.device(), [&](auto stream) {
    switch (t.dtype()) {
      case DType::f32:
        return f(stream, float{});
      case DType::f64:
        return f(stream, double{});
      default:
        require_f32_f64(op, t);
    }
  });
}

}  // namespace engine
