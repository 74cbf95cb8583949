// Learning-rate schedule, and the scaling of the rate with the batch size.
#pragma once

#include <cmath>

namespace engine {

// From 0 linearly to `peak` over the warm-up, then half a cosine to 0; step counts from 0. SimCLR's schedule
// (google-research/simclr, model_util.py), evaluated at each step, not at each epoch.
inline double warmup_cosine(long step, long warmup_steps, long total_steps, double peak) {
  if (step < warmup_steps) return peak * double(step) / double(warmup_steps);
  const long decay_steps = total_steps - warmup_steps, done = step - warmup_steps;
  if (done >= decay_steps) return 0;
  return peak * 0.5 * (1 + std::cos(3.14159265358979323846 * double(done) / double(decay_steps)));
}

// SimCLR's two rules. Linear: base 0.3 (Goyal et al. 2017). Square root: base 0.075, better for small batches
// and few epochs (Chen et al. 2020, B.1). batch: images per step (N), not views.
inline double linear_scaling(double base, long batch) { return base * double(batch) / 256; }
inline double sqrt_scaling(double base, long batch) { return base * std::sqrt(double(batch)); }

}  // namespace engine
