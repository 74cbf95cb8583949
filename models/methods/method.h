// A method of self-supervised learning: its networks, its loss, and what it does around the optimizer's step.
// The training loop, `dyad steps` and `dyad bench step` know this interface and no method.
// docs/adding_a_method.md writes one.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include "engine/optim/optimizer.h"
#include "models/methods/branch.h"
#include "models/methods/method_options.h"

namespace models {

// What a method learns from in one step.
struct Views {
  Tensor images;       // (2n,S,S,3) of this rank; rows i and i + n are two views of one image
  std::int64_t pairs;  // N, the pairs of all ranks, divided among them as engine::shard() does
  Tensor labels = {};  // (2n), i32: the class of each row; undefined unless MethodDescription::labels
  // (N), i32: the place of each image's second view in the order in which all ranks have the second views,
  // which is then not that of the first ones. Undefined unless MethodDescription::shuffles.
  Tensor second_places = {};

  // (n,S,S,3): view 0 or 1 of each image
  Tensor view(int number) const { return images.slice(number * (images.dim(0) / 2), images.dim(0) / 2); }
};

struct MethodConfig {
  BranchConfig branch;
  MethodOptions options;
  engine::DType dtype = engine::DType::f32;  // of the parameters: f32 or f64
  std::uint64_t seed = 0;                    // of the initial weights
};

// What the options of a method are if they are left to choose.
struct MethodDefaults {
  std::string head_norm = "all";
  std::string views = "simclr";  // whose recipes for the views (data::view_recipes)
  double target_momentum = -1;   // -1: the method has no target network
  bool predictor = false;        // whether the method has one
  bool queue = false;
  bool learned_tau = false;         // whether its temperature can be learned
  bool negatives = false;           // whether its negatives can count otherwise than in NT-Xent
  bool weighted_positives = false;  // whether its positives can have DCLW's weights
};

// What messages and the report say about a method. It needs no networks, so that it is known before they are
// made.
struct MethodDescription {
  std::string title = {};     // "SimCLR"
  std::string loss = {};      // "NT-Xent"
  std::string settings = {};  // "temperature 0.5", or "" if the method has none
  std::string advice = {};    // its flags that help if nothing is learned: "--tau", or ""
  double chance_loss = NAN;   // of embeddings that do not depend on the images; NaN if there is no such loss
  std::string chance_formula = {};  // "ln(2N - 1)"
  bool labels = false;              // whether it learns from the classes of the images
  bool shuffles = false;            // whether it wants the second views in another order than the first
  MethodDefaults defaults = {};
};

class Method {
 public:
  virtual ~Method() = default;
  Method(const Method&) = delete;
  Method& operator=(const Method&) = delete;

  // The loss over all ranks, a device scalar; every rank gets the same value. Its gradients are those of this
  // rank's views, and the trainer sums them over the ranks. It only launches: no wait for the device, no copy
  // from the host, so that a step can be captured as a CUDA graph. The networks run in pass.phase("forward",
  // ..) and the rest in pass.phase("loss", ..): these times are measured apart.
  virtual Tensor loss(const Views&, const Pass&) = 0;

  // Once before the first step of a training, after the initial weights were read from a file.
  virtual void start() {}
  // Before each step, for schedules: `done` is the part of the training that is done, from 0 to 1. May copy
  // to the device without waiting, but not launch.
  virtual void before_step(double /*done*/) {}
  // After the optimizer's step, for example a moving average of the weights. It only launches.
  virtual void after_step() {}

  // The encoder that is evaluated and exported, and the projection whose embeddings are monitored.
  virtual const Branch& branch() const = 0;

  // The logarithm of a learned temperature, (1), for the metrics; undefined if there is none.
  virtual Tensor log_temperature() const { return {}; }

  // What a resumed run needs besides the parameters and the optimizer's state. It is saved in checkpoints,
  // sent to all ranks at the start, and restored when steps are repeated.
  virtual engine::NamedTensors state() const { return {}; }

  engine::Parameters parameters;  // what the optimizer trains

 protected:
  Method(const MethodConfig& c, engine::Device device) : parameters(device, c.dtype, c.seed) {}
};

}  // namespace models
