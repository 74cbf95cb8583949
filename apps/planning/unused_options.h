// Options of other methods, which a command line may share with a method that has no use for them.
#pragma once

#include <string>

#include "apps/options/options.h"

namespace apps {

// A line that names the method's options that are given and change nothing, or "": "not used by byol: --tau
// 0.1". An option is used if the method's description changes with it; those that are left to choose are
// refused instead (resolve()).
std::string unused_options(const PretrainOptions& resolved);

// A line if the method's queue holds more keys than there are images, or "".
std::string queue_note(const PretrainOptions& resolved, std::size_t images);

}  // namespace apps
