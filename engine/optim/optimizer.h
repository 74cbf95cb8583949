// Optimizers over flat buffers: SGD, LARS and AdamW. A step is at most two launches. The learning rate and
// the step number lie in device memory, so every step launches the same work and can be captured as a CUDA
// graph.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/memory/transfer.h"
#include "engine/optim/parameters.h"

namespace kernels {
struct OptimizerChunk;
}

namespace engine {

// What an optimizer sees of the parameters.
struct FlatParameters {
  struct Segment {
    std::int64_t offset, numel;
    bool decayed;      // false for biases and normalization: no weight decay, no LARS adaptation
    Tensor leaf = {};  // the parameter. If the last backward has not reached it, its gradient is 0
  };
  Tensor values, gradients;  // flat; f32 or f64
  std::vector<Segment> segments;
};
// The trained parameters whose names begin with `prefix`.
FlatParameters flat_parameters(const Parameters&, const std::string& prefix = "");

// The segments cut into chunks, one per block of a kernel: (chunks,5), each row a kernels::OptimizerChunk, on
// the values' device.
Tensor chunk_table(const FlatParameters&);
inline const kernels::OptimizerChunk* chunks_of(const Tensor& table) {
  return static_cast<const kernels::OptimizerChunk*>(table.raw());
}

class Optimizer {
 public:
  explicit Optimizer(FlatParameters);
  virtual ~Optimizer() = default;

  void set_learning_rate(double);   // sends it to the device; the host does not wait
  void step();                      // reads the gradients, updates the values: only launches. The rate is
                                    // the last one that was set
  void step(double learning_rate);  // set_learning_rate(), then step()
  virtual NamedTensors state() const = 0;  // saved in checkpoints: "optimizer.momentum" ...

 protected:
  virtual void update() = 0;  // launches
  Tensor zeros_like_values() const;
  std::int64_t chunks() const { return table_.dim(0); }
  const kernels::OptimizerChunk* table() const { return chunks_of(table_); }
  const double* learning_rate() const { return static_cast<const double*>(learning_rate_.data()); }

  FlatParameters parameters_;

 private:
  Tensor table_;
  Upload learning_rate_;  // f64
  bool has_rate_ = false;
};

// torch.optim.SGD (no dampening): v = momentum v + g + weight_decay w; w -= lr v.
struct SgdOptions {
  double momentum = 0.9, weight_decay = 0;
  bool nesterov = false;
};

class Sgd final : public Optimizer {
 public:
  Sgd(FlatParameters, SgdOptions);
  NamedTensors state() const override { return {{"optimizer.momentum", velocities_}}; }

 private:
  void update() override;
  SgdOptions options_;
  Tensor velocities_;
};

// You, Gitman & Ginsburg 2017, in the two forms behind published results:
//   google   google-research/simclr, lars_optimizer.py, classic momentum:
//            ratio = eta |w| / |g + weight_decay w|,
//            v = momentum v + lr ratio (g + weight_decay w), w -= v
//   lightly  lightly, solo-learn, NVIDIA apex LARC without clipping:
//            ratio = eta |w| / (|g| + weight_decay |w| + eps),
//            v = momentum v + ratio (g + weight_decay w), w -= lr v
// They differ when the learning rate changes, since google's velocity contains the learning rates of earlier
// steps.
enum class LarsConvention { google, lightly };

struct LarsOptions {
  LarsConvention convention = LarsConvention::google;
  double momentum = 0.9, weight_decay = 1e-6, eta = 1e-3;
  double eps = 1e-8;  // lightly
  bool nesterov = false;
};

class Lars final : public Optimizer {
 public:
  Lars(FlatParameters, LarsOptions);
  NamedTensors state() const override { return {{"optimizer.momentum", velocities_}}; }

 private:
  void update() override;
  LarsOptions options_;
  Tensor velocities_, partials_;
};

// torch.optim.AdamW: weight decay is decoupled from the gradient.
struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01;
};

class AdamW final : public Optimizer {
 public:
  AdamW(FlatParameters, AdamWOptions);
  NamedTensors state() const override {
    return {{"optimizer.exp_avg", first_}, {"optimizer.exp_avg_sq", second_}, {"optimizer.step", step_}};
  }

 private:
  void update() override;
  AdamWOptions options_;
  Tensor first_, second_, step_, rates_;
};

}  // namespace engine
