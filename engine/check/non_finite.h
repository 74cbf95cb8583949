// Elements of a tensor that are not finite.
#pragma once

#include <optional>

#include "engine/tensor.h"

namespace engine {

struct NonFinite {
  std::size_t count, first;  // how many, and the index of the first
  double value;              // the first
};

// None if all elements are finite, as integers are. Copies the tensor to the host.
std::optional<NonFinite> find_non_finite(const Tensor&);

}  // namespace engine
