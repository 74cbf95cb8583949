#include "apps/training/step_log.h"

#include <cmath>
#include <utility>

namespace apps {

void LateRecords::begin(const engine::Tensor& loss, const engine::Tensor& gradient_square,
                        const StepRecord& record) {
  engine::require(!begun_, "LateRecords: step ", record.step, " begins before another is finished");
  loss_.start(loss);
  norm_.start(gradient_square);
  begun_ = record;
}

void LateRecords::finish() {
  if (!begun_) return;
  StepRecord record = *std::exchange(begun_, std::nullopt);
  record.loss = loss_.value();
  record.gradient_norm = std::sqrt(norm_.value());
  done_(record);
}

}  // namespace apps
