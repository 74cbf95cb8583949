// The names under which other programs save an encoder: torchvision's, with a prefix, or the numbers of an
// nn.Sequential.
#pragma once

#include <string>
#include <vector>

#include "engine/files/safetensors.h"

namespace apps {

// How a file names the tensors of an encoder.
struct EncoderNames {
  std::string prefix;  // before every name: "module.encoder_q."
  // The children of torchvision's ResNet by number: "4.0.conv1.weight" for "layer1.0.conv1.weight".
  bool sequential = false;
  // The name of one tensor: "conv1.weight" -> "module.encoder_q.conv1.weight".
  std::string of(const std::string& name) const;
};

// The naming that fits all of `names` (torchvision's). Of several encoders the file's trained one is taken,
// not its moving average (encoder_k, momentum_encoder, teacher ...). DataError if several are left. If none
// fits, the naming with the most names, so that the error of the missing one is helpful.
EncoderNames encoder_names(const engine::SafetensorsReader&, const std::string& path,
                           const std::vector<std::string>& names);

// Tensors of a file in few words: "fc.bias, fc.weight", "module.queue, predictor.* (6 tensors)".
std::string summary_of(const std::vector<std::string>& tensors);

}  // namespace apps
