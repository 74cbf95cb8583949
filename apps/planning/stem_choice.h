#pragma once

#include <string>

#include "apps/options/options.h"

namespace apps {

// Which stem was chosen, if it was left to choose, and how many times the arithmetic the other stem would
// take: "stem: cifar, chosen by --size 64; --stem imagenet: 0.067 times the arithmetic". "" if it
// was given.
std::string stem_choice(const PretrainOptions& given, const PretrainOptions& resolved);

// Multiply-adds of the encoder's convolutions for one image.
double multiply_adds(const PretrainOptions& resolved);

}  // namespace apps
