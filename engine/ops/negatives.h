// What the losses with a choice of negatives (nt_xent, info_nce) share.
#pragma once

#include "engine/ops.h"
#include "kernels/kernels.h"

namespace engine {

// For rows with so many negatives, at least one unless they count as in NT-Xent. Refuses numbers that are out
// of their range or contradict each other.
kernels::Negatives kernel_negatives(const char* op, const Negatives&, std::int64_t count);

}  // namespace engine
