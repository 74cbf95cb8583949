#include "apps/watching/step_log.h"

#include <cmath>
#include <utility>

namespace apps {

void StepLog::begin(const engine::Tensor& loss, const engine::Tensor& gradient_square,
                    const engine::Tensor& log_tau, const StepRecord& record) {
  engine::require(!begun_, "StepLog: step ", record.step, " begins before another is finished");
  loss_.start(loss);
  norm_.start(gradient_square);
  has_tau_ = log_tau.defined();
  if (has_tau_) log_tau_.start(log_tau.detach());
  begun_ = record;
}

void StepLog::finish() {
  if (!begun_) return;
  StepRecord record = *std::exchange(begun_, std::nullopt);
  record.loss = loss_.value();
  record.gradient_norm = std::sqrt(norm_.value());
  if (has_tau_) record.more.emplace_back("tau", std::exp(log_tau_.value()));
  done_(record);
}

}  // namespace apps
