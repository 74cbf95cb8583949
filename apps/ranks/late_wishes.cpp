#include "apps/ranks/late_wishes.h"

#include <cmath>

namespace apps {

// One sum carries both: each rank's stop counts 1, and the first rank's save counts more than all of them.
Wishes LateWishes::operator()(const Wishes& here) {
  if (communicator_.size() == 1) return here;
  const long save = communicator_.size() + 1, sum = sum_ ? std::lround(sum_->value()) : 0;
  if (!sum_) sum_ = std::make_unique<engine::LateScalar>(communicator_.device());
  const long own = (here.stop ? 1 : 0) + (here.save && communicator_.rank() == 0 ? save : 0);
  const engine::Tensor all = engine::full({1}, double(own), engine::DType::f32, communicator_.device());
  communicator_.all_reduce_sum(all);
  sum_->start(all);
  return {.stop = sum % save > 0, .save = sum >= save};
}

}  // namespace apps
