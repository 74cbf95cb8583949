// The smallest trainings and models that tests of the program make.
#pragma once

#include <string>

#include "apps/options/options.h"

// The caller sets its length: steps or epochs.
inline apps::PretrainOptions tiny_training(const std::string& data, const std::string& run) {
  apps::PretrainOptions o;
  o.data = data;
  o.run = run;
  o.arch = "resnet10";
  o.width = 0.0625;
  o.out_dim = 8;
  o.batch = 16;
  return o;
}

// Resolved options of a model without data.
inline apps::PretrainOptions tiny_model(std::uint64_t seed) {
  apps::PretrainOptions o;
  o.arch = "resnet10";
  o.width = 0.125;
  o.out_dim = 16;
  o.batch = 8;
  o.seed = seed;
  apps::resolve(o, true);
  return o;
}

// Resolved options of a step on views of 16 x 16 pixels.
inline apps::PretrainOptions tiny_step(const std::string& method, const std::string& optimizer = "sgd") {
  apps::PretrainOptions o;
  o.method = method;
  o.arch = "resnet10";
  o.width = 0.125;
  o.out_dim = 16;
  o.batch = 8;
  o.size = 16;
  o.tau.value = 0.2;
  o.optimizer = optimizer;
  apps::resolve(o, true);
  return o;
}
