// A short training divided among ranks, to compare any number of ranks with one.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "apps/run/model.h"
#include "apps/training/train_step.h"
#include "data/view_batch.h"
#include "engine/ops.h"

// The results of a training by name: "loss of step 1", "gradient of encoder.conv1.weight", "value of ...".
using Outcome = std::map<std::string, std::vector<double>>;

// The communicator that each part of the step uses. The program's step uses one for all parts. A mutation, a
// known mistake of other libraries, gives one part another communicator.
struct RankParts {
  engine::Communicator &norm, &loss, &gradients;
  std::int64_t pairs;  // in the loss
};

class RankTraining {
 public:
  static constexpr int steps = 5, batch = 22;  // 22 pairs: uneven for 3, 4 and 8 ranks

  using Change = std::function<void(apps::PretrainOptions&)>;

  // change: options of the method, beside its name.
  explicit RankTraining(engine::DType dtype, std::uint64_t seed = 1, const std::string& method = "simclr",
                        const Change& change = {}) {
    o_.method = method;
    o_.arch = "resnet10";
    o_.width = 0.125;
    o_.out_dim = 64;
    o_.batch = batch;
    o_.queue = 3 * batch;
    o_.size = 8;
    o_.tau.value = 0.2;
    o_.lr = 0.01;  // with a larger rate, rounding differences grow tenfold in five steps
    o_.seed = seed;
    o_.optimizer = "lars";
    o_.dtype = engine::name(dtype);
    if (change) change(o_);
    apps::resolve(o_, true);
  }

  // The program's step.
  Outcome run(engine::Communicator& c) const { return run(c, RankParts{c, c, c, batch}, true); }
  // The same step written out, with a communicator for each part.
  Outcome run(engine::Communicator& c, const RankParts& parts) const { return run(c, parts, false); }

 private:
  Outcome run(engine::Communicator& c, const RankParts& parts, bool as_the_program) const {
    const auto method = apps::make_method(o_, engine::cpu);
    const auto optimizer = apps::make_optimizer(o_, method->parameters);
    const auto dataset = data::open_dataset("data/samples", data::Split::train);
    const models::MethodDescription about = models::describe_method(o_, o_.batch);
    data::Loader loader(*dataset,
                        {.batch = batch, .threads = 0, .seed = o_.seed, .shuffle_second = about.shuffles}, c);
    const data::ViewRecipe recipe = data::view_recipe("simclr-" + o_.recipe);
    data::ViewBatches views({recipe, recipe}, o_.size, o_.seed, engine::cpu, engine::parse_dtype(o_.dtype),
                            nullptr, about.labels);
    const engine::Tensor tau = engine::full({1}, o_.tau.value, method->parameters.dtype(), engine::cpu);
    apps::TrainStep step(*method, *optimizer, c, batch);
    apps::Phases phases(engine::cpu, false);
    Outcome outcome;
    for (int i = 1; i <= steps; ++i) {
      const engine::Tensor images = views(loader.next());
      engine::Tensor loss;
      if (as_the_program) {
        step.schedule(o_.lr, double(i - 1) / steps);
        loss = step.launch(images, phases, views.labels(), views.second_places());
      } else {
        const engine::Tensor z = method->branch()(images, {engine::Mode::train, parts.norm});
        loss = engine::nt_xent(z, tau, parts.loss, parts.pairs);
        method->parameters.clear_gradients();
        engine::backward(loss);
        parts.gradients.all_reduce_sum(method->parameters.gradients());
        optimizer->step(o_.lr);
      }
      outcome["loss of step " + std::to_string(i)] = loss.to_vector();
      if (i > 1) continue;
      for (const engine::Parameter& p : method->parameters.list())
        if (p.trained) outcome["gradient of " + p.name] = engine::gradient(p.value).to_vector();
    }
    for (const engine::Parameter& p : method->parameters.list())
      outcome["value of " + p.name] = p.value.to_vector();
    for (const auto& [name, value] : method->state()) outcome["value of " + name] = value.to_vector();
    return outcome;
  }

  apps::PretrainOptions o_;
};

// The largest |a - b| / |b| over all entries (norms over each entry), and its name.
inline double largest_error(const Outcome& a, const Outcome& b, std::string* where = nullptr) {
  double largest = 0;
  for (const auto& [name, right] : b) {
    const auto found = a.find(name);
    if (found == a.end() || found->second.size() != right.size()) return INFINITY;
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < right.size(); ++i) {
      difference += std::pow(found->second[i] - right[i], 2);
      size += right[i] * right[i];
    }
    // a mean of zero, behind another batch norm, has no digits: it is compared with the deviation
    if (name.ends_with("running_mean")) {
      double variances = 0;
      for (const double v : b.at(name.substr(0, name.size() - 4) + "var")) variances += v;
      size = std::max(size, variances);
    }
    const double error = difference == 0 ? 0 : std::sqrt(difference / size);
    if (!(error <= largest)) {
      largest = error;
      if (where != nullptr) *where = name;
    }
  }
  return largest;
}
