// The metadata of a checkpoint: the options that change the result, how far the training is, and on which
// images and ranks. A resumed run compares them with its own.
#pragma once

#include <map>
#include <string>

#include "apps/options/options.h"

namespace apps {

using CheckpointInfo = std::map<std::string, std::string>;  // "arch", "step", "seed" ...

// How far a training is. The next step reads the images of `epoch` that follow the first `images` ones.
struct Position {
  long step = 0, epoch = 0, images = 0;
};

// What a training reads, and how many ranks share it.
struct Setting {
  std::string data;  // "CIFAR-10: 5,000 images, 10 classes"
  long images = 0;
  std::string list;  // a hash of the images' names and labels
  int ranks = 0;
  std::string files = "";  // data::files_text, which ranks compare; not in the metadata
};

CheckpointInfo describe(PretrainOptions, const Position&, const Setting&);

// DataError if the metadata have no step, or no valid position.
long step_in(const CheckpointInfo&, const std::string& path);
// `images`: of the data set. Checkpoints of version 0.1.0 have the step only, from which the rest follows.
Position position_in(const CheckpointInfo&, const std::string& path, long images);
// Number of images of the data set; `otherwise` if the checkpoint is of version 0.1.0, which does not say it.
long images_in(const CheckpointInfo&, long otherwise);
// The options, with the values that the metadata have.
PretrainOptions options_in(const CheckpointInfo&, PretrainOptions);

// UsageError if the model, its precision or the optimizer differs; it names the differences.
void require_same_model(const CheckpointInfo&, const PretrainOptions&, const std::string& path);
// Differences in options that may change on resuming but change the result: "batch 64 -> 128, lr 0.3 -> 0.5".
// "" if there are none.
std::string resume_differences(const CheckpointInfo&, const PretrainOptions&);
// The same for the images and the ranks. Checkpoints of version 0.1.0 don't say them: no difference.
std::string setting_differences(const CheckpointInfo&, const Setting&);

}  // namespace apps
