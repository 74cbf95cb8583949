// Records of steps whose loss is still on its way from the device: so the host queues the next step while the
// device works on the last, and no record is lost or given another's loss.
#pragma once

#include <functional>
#include <optional>

#include "apps/run/run_directory.h"
#include "engine/memory/transfer.h"

namespace apps {

class LateRecords {
 public:
  LateRecords(engine::Device device, std::function<void(const StepRecord&)> done)
      : loss_(device), norm_(device), done_(std::move(done)) {}

  // Loss and the square of the gradient's norm are those of the record, which finish() completes. The record
  // before must be finished.
  void begin(const engine::Tensor& loss, const engine::Tensor& gradient_square, const StepRecord&);
  // Waits for the loss of the record that has begun, if there is one, and gives the record to `done`. To be
  // called when the next step is queued; before a checkpoint; and at the end.
  void finish();

 private:
  engine::LateScalar loss_, norm_;
  std::function<void(const StepRecord&)> done_;
  std::optional<StepRecord> begun_;
};

}  // namespace apps
