// NumPy's .npy: one array in one file (numpy.lib.format, version 1.0).
#pragma once

#include <string>

#include "engine/tensor.h"

namespace engine {

// Writes atomically. Every dtype but bf16, which NumPy lacks.
void write_npy(const std::string& path, const Tensor&);

}  // namespace engine
