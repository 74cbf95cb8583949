// Records of steps whose loss is still being computed. The host queues the next step meanwhile, and each
// record gets the loss of its own step.
#pragma once

#include <functional>
#include <optional>

#include "apps/run/run_directory.h"
#include "engine/memory/transfer.h"

namespace apps {

class StepLog {
 public:
  StepLog(engine::Device device, std::function<void(const StepRecord&)> done)
      : loss_(device), norm_(device), log_tau_(device), done_(std::move(done)) {}

  // Starts to read the loss and the square of the gradient's norm of this record, and the logarithm of a
  // learned temperature, unless undefined; finish() puts them into it. The record before must be finished.
  void begin(const engine::Tensor& loss, const engine::Tensor& gradient_square, const engine::Tensor& log_tau,
             const StepRecord&);
  // Waits for the loss of the record that has begun, if there is one, and passes the record to `done`. Called
  // when the next step is queued, before a checkpoint, and at the end.
  void finish();

 private:
  engine::LateScalar loss_, norm_, log_tau_;
  bool has_tau_ = false;
  std::function<void(const StepRecord&)> done_;
  std::optional<StepRecord> begun_;
};

}  // namespace apps
