// The networks that a run's options describe.
#pragma once

#include <memory>

#include "apps/options/options.h"
#include "models/methods/methods.h"

namespace apps {

models::ResNetConfig encoder_config(const ModelOptions&);  // of resolved options

// The method with fresh weights, drawn by (seed, name). Its parameters have the type of the options, f32 for
// bf16.
std::unique_ptr<models::Method> make_method(const PretrainOptions&, engine::Device);

}  // namespace apps
