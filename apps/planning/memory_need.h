// The memory that a training needs, estimated before it begins.
#pragma once

#include <string>

#include "apps/options/options.h"
#include "apps/ranks/ranks.h"
#include "data/dataset.h"
#include "models/methods/method.h"

namespace apps {

// Bytes of one rank at the peak of a step.
struct MemoryNeed {
  double program = 0;     // code, libraries, and the data set's list and pixels, in the host's memory
  double parameters = 0;  // with gradients
  double optimizer = 0;
  double activations = 0;  // kept for backward, with what a step needs besides
  double held = 0;         // by the pool between tensors: a part of the activations, measured
  double images = 0;       // decoded ahead by the loader, in the host's memory
  int shrink = 0;          // the --shrink that would make these smaller; 0: none
  double pixels = 0;       // on the device: of two batches, or of all images (--resident)

  double host(engine::Device) const;  // in the host's memory
  double device() const;              // in the device's memory, which is the host's on the CPU
};

// Activations are measured on steps of a few images on the CPU and scaled to this rank's share of the batch.
// The method's weights don't change.
MemoryNeed memory_need(const PretrainOptions&, const data::Dataset&, const models::Method&, int ranks);

// "1.2 GB: program and data 0.1, parameters and gradients 0.2, ..."
std::string memory_text(const MemoryNeed&, engine::Device);

// What is needed beside what is free, over `ranks_here` ranks of this machine.
struct MemoryVerdict {
  bool fits = true;
  std::string text;    // one line, such as "memory: about 1.2 GB, 14 GB are free on this machine"
  std::string remedy;  // what to try if it doesn't fit
  double free = 0;     // bytes
};
MemoryVerdict compare_with_free(const MemoryNeed&, engine::Device, int ranks_here);
// UsageError if it does not fit, unless --force was given.
void require_memory(const MemoryVerdict&, bool force);

// The need under --recompute, where "auto" is the first of none, norm, block and stage that fits, or the
// last.
struct MemoryPlan {
  std::string recompute;
  MemoryNeed need;
  MemoryVerdict verdict;  // its text says what "auto" chose if that is not none
};
// program: bytes that a rank has besides what this process has.
MemoryPlan memory_plan(const PretrainOptions&, const data::Dataset&, const models::Method&, int ranks,
                       int ranks_here, double program = 0);

// All of this before a training; every rank calls it, and `o.recompute` becomes what the first one chose.
// Returns the verdict's line on the first rank, else "".
std::string required_memory(PretrainOptions& o, const data::Dataset&, const models::Method&, const Ranks&);

std::string bytes_text(double bytes);  // "512 MB", "1.25 GB", "662 GB"

}  // namespace apps
