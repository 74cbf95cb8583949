// The encoder alone, under the names that torchvision and timm give its tensors: what they load of ours, and
// what we load of theirs.
#pragma once

#include <string>

#include "apps/options/options.h"
#include "engine/files/safetensors.h"
#include "engine/optim/parameters.h"

namespace apps {

// "conv1.weight" (OIHW), "layer1.0.bn1.running_mean" ..., on the host; no fc.
engine::TensorFile encoder_tensors(const engine::Parameters&);

// Fills the encoder from such a file, or from a checkpoint of ours, of which only the encoder is read.
// Another floating type is converted; fc.* is passed over, and counters of batches may be missing. Everything
// is checked before anything is changed: DataError if a tensor is missing, superfluous or of another shape.
// Returns in one line what was read.
std::string load_encoder(const std::string& path, const ModelOptions&, const engine::Parameters&);

}  // namespace apps
