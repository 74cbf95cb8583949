#include "apps/late_records.h"

#include <utility>

namespace apps {

void LateRecords::begin(const engine::Tensor& loss, const StepRecord& record) {
  engine::require(!begun_, "LateRecords: step ", record.step, " begins before another is finished");
  late_.start(loss);
  begun_ = record;
}

void LateRecords::finish() {
  if (!begun_) return;
  StepRecord record = *std::exchange(begun_, std::nullopt);
  record.loss = late_.value();
  done_(record);
}

}  // namespace apps
