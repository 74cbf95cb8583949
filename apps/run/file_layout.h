// How a parameter lies in a file: as in torch. Convolution weights are OIHW there and KRSC in memory, a
// counter is a scalar there and has one element in memory; everything else is the same in both.
#pragma once

#include <string>

#include "engine/optim/parameters.h"

namespace apps {

// `filter`: a convolution weight. The tensors in memory may be on any device.
engine::Shape file_shape(const engine::Tensor& in_memory, bool filter);
engine::Tensor to_file(const engine::Tensor& in_memory, bool filter);  // on the host
// Writes into `in_memory` what `bytes`, of file_shape() and its dtype, say.
void from_file(const void* bytes, const engine::Tensor& in_memory, bool filter);

// Whether a tensor of a state belongs to a convolution weight NAME: "target.NAME", "optimizer.momentum.NAME".
bool is_filter(const engine::Parameters&, const std::string& state_name);

}  // namespace apps
