// Files of the encoder alone, under torchvision's and timm's names: they can load dyad's, and dyad theirs.
#pragma once

#include <map>
#include <string>

#include "apps/options/options.h"
#include "engine/files/safetensors.h"
#include "engine/optim/parameters.h"

namespace apps {

// "conv1.weight" (OIHW), "layer1.0.bn1.running_mean" ..., on the host; no fc.
engine::TensorFile encoder_tensors(const engine::Parameters&);

// What a program needs to use the encoder as it was trained, on images of o.size pixels: "arch", "stem",
// "width", "size", "mean", "std", "step" and "encoder_hash", as text.
std::map<std::string, std::string> encoder_metadata(const PretrainOptions& o, const engine::Parameters&,
                                                    long step);

// Fills the encoder from such a file, or from the encoder in a checkpoint of dyad or of another program
// (encoder_names.h). Other floating types are converted, fc.* and what is not the encoder's is skipped, and
// counters of batches may be missing. Everything is checked before anything is changed: DataError if a tensor
// is missing, unknown or of another shape. Returns one line about what was read and passed over.
std::string load_encoder(const std::string& path, const ModelOptions&, const engine::Parameters&);

}  // namespace apps
