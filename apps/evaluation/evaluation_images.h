// The images that an evaluation or an export reads, as --data, --split, --labels and --split-from choose
// them.
#pragma once

#include <memory>
#include <string>

#include "apps/options/options.h"
#include "data/dataset.h"

namespace apps {

// Images to learn from. If the test split is drawn from them (--split-from, or as the run's pretraining did),
// those of the test split are left out. `run`: the options of the pretraining.
std::unique_ptr<data::Dataset> training_images(const ImageChoice&, const PretrainOptions& run);

// Images to test with: those that are drawn, else those of the split.
std::unique_ptr<data::Dataset> test_images(const ImageChoice&, const PretrainOptions& run);

// Images to export features of: `--split`; auto: those to test with, or all if there is no test split.
std::unique_ptr<data::Dataset> exported_images(const ImageChoice&, const PretrainOptions& run);

// The same images without those that can't be decoded, if --bad-images says so.
std::unique_ptr<data::Dataset> as_bad_images_say(std::unique_ptr<data::Dataset>, const ImageChoice&,
                                                 const PretrainOptions& run, int threads);

// Prints a line about the images to learn from and one about those to test with.
void print_images(const data::Dataset& train, const data::Dataset& test);

// A line about test images of classes that have no training image; "" if there are none.
std::string unknown_classes(const data::Dataset& train, const data::Dataset& test);

// Writes the names of the drawn test images to the run's folder, so that all its evaluations use the same
// ones. Nothing if none were drawn, or if the pretraining drew them. A run that can't be written is left as
// it is.
void keep_test_split(const ImageChoice&, const PretrainOptions& run, const data::Dataset& test);

}  // namespace apps
