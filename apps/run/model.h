// The networks that a run's options describe.
#pragma once

#include <memory>

#include "apps/options/options.h"
#include "models/methods/methods.h"

namespace apps {

models::ResNetConfig encoder_config(const ModelOptions&);   // of resolved options
models::Recompute recompute_mode(const std::string& word);  // of --recompute; "auto" is none
models::BranchConfig branch_config(const ModelOptions&);

// The method with fresh weights, drawn by (seed, name). Its parameters have the type of the options, f32 for
// bf16.
std::unique_ptr<models::Method> make_method(const PretrainOptions&, engine::Device);

// UsageError if `branch`, the value of --branch, is "target" and the method of the run has no target network.
void require_branch(const PretrainOptions& run, const std::string& branch);

}  // namespace apps
