// Parameters, and the scopes in which layers create them.
//
// A layer is a plain struct: its constructor creates its parameters in a Scope, its operator() calls ops.
// There is no base class, and nothing to register. Values and gradients lie in two flat buffers in backward
// order (the last layer first). An optimizer updates a whole buffer in one launch, and a bucket of the
// all-reduce is a range of a buffer.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/tape.h"

namespace engine {

inline constexpr const char* kParameters = "parameters";  // what is being made while they are allocated

struct Parameter {
  std::string name;         // torchvision's: "layer1.0.conv1.weight"; the key in checkpoints
  Tensor value;             // a leaf if trained
  bool trained = false;     // false for running statistics: saved, but not differentiated
  bool decayed = false;     // false for biases and normalization: no weight decay, no LARS adaptation
  bool filter = false;      // a convolution weight: KRSC here, OIHW (torchvision) in files
  std::int64_t offset = 0;  // of a trained one: its first element in the flat buffers
};

class Scope;

class Parameters {
 public:
  // dtype: f32 or f64. Initial values depend on (seed, name) alone, not on the order in which layers are
  // created. with_gradients: false for a network that is only run; its values are no leaves.
  Parameters(Device, DType dtype, std::uint64_t seed, bool with_gradients = true);

  // Constructs Model(Scope, arguments...) with its parameters in flat buffers. The model is constructed
  // twice: the first time only counts elements. May be called once.
  template <class Model, class... Arguments>
  Model build(const Arguments&... arguments);
  // The names and shapes of the parameters that build() would make. No initial values are drawn.
  template <class Model, class... Arguments>
  const std::vector<Parameter>& outline(const Arguments&... arguments);

  const std::vector<Parameter>& list() const { return list_; }  // in order of creation
  const Tensor& values() const { return values_; }              // flat
  const Tensor& gradients() const { return gradients_; }        // flat; undefined without gradients
  Device device() const { return device_; }
  DType dtype() const { return dtype_; }
  std::int64_t trained_count() const;  // elements that are trained

  void clear_gradients() const;  // the next backward overwrites

  // A hash of every value whose name begins with `prefix`, running statistics included. Equal hashes show
  // that nothing has changed.
  std::uint64_t hash(const std::string& prefix = "") const;

 private:
  friend class Scope;
  void allocate();

  Device device_;
  DType dtype_;
  std::uint64_t seed_;
  bool with_gradients_;
  bool counting_ = true;
  std::int64_t end_ = 0;  // while building: elements left; taken from the end, so the last layer lies first
  std::vector<Parameter> list_;
  Tensor values_, gradients_;
};

// Copies the parameters of `to` whose names begin with `prefix`: all, some or none. `from` must have each.
void copy_parameters(const Parameters& from, const Parameters& to, const std::string& prefix);

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
// The tensors of an optimizer's state with each flat one cut into one for every trained parameter, named
// "optimizer.momentum.conv1.weight". They share its memory. A file with these names says whose momentum it
// is, so that a network whose layers were made in another order can read it.
NamedTensors by_parameter(const NamedTensors& state, const Parameters&);

class Scope {
 public:
  explicit Scope(Parameters& into, std::string path = "") : into_(&into), path_(std::move(path)) {}
  Scope operator/(const std::string& name) const;  // scope / "layer1" / "0"

  // (K,R,S,C), normal with deviation sqrt(2 / (K R S)): torchvision's kaiming_normal_(fan_out, relu).
  // Decayed.
  Tensor filter(const std::string& name, Shape) const;
  // (O,I), uniform in +-1/sqrt(I): torch.nn.Linear. Decayed.
  Tensor matrix(const std::string& name, Shape) const;
  // The bias of such a matrix: the same bounds with I = fan_in. Not decayed.
  Tensor bias(const std::string& name, std::int64_t size, std::int64_t fan_in) const;
  // Constant, as batch norm's weight (1) and bias (0). Not decayed.
  Tensor constant(const std::string& name, std::int64_t size, double value) const;
  // Not trained: running statistics.
  Tensor buffer(const std::string& name, std::int64_t size, double value) const;
  Tensor counter(const std::string& name) const;  // (1), i64, zero
  // Neither trained nor saved.
  Tensor unnamed(std::int64_t size, double value) const;

 private:
  template <class Draw>
  Tensor trained(const std::string& name, Shape, bool decayed, bool filter, Draw) const;
  Parameters* into_;
  std::string path_;
};

template <class Model, class... Arguments>
const std::vector<Parameter>& Parameters::outline(const Arguments&... arguments) {
  require(list_.empty(), "Parameters::build: called twice");
  (void)Model(Scope(*this), arguments...);
  return list_;
}

template <class Model, class... Arguments>
Model Parameters::build(const Arguments&... arguments) {
  outline<Model>(arguments...);
  allocate();
  return Model(Scope(*this), arguments...);
}

}  // namespace engine
