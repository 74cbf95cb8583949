// Warns of a loss that does not fall and of a gradient that explodes, each once.
#pragma once

#include <string>

#include "apps/run/run_directory.h"
#include "apps/training/plan.h"
#include "apps/watching/trend.h"

namespace apps {

class LossMonitor {
 public:
  LossMonitor(const Plan& plan, models::MethodDescription method) : plan_(plan), method_(std::move(method)) {}

  // Called with the record of each step. Returns a warning or "":
  // - the mean loss of an epoch is that of chance, and the loss has not been falling; not before the first
  //   whole epoch after the warm-up has ended;
  // - the norm of the gradient is many times its mean over the last steps.
  std::string operator()(const StepRecord&);

 private:
  std::string gradient_warning(const StepRecord&);
  std::string chance_warning(const StepRecord&);

  const Plan& plan_;
  const models::MethodDescription method_;
  double sum_ = 0;  // of the losses of this epoch
  long count_ = 0;
  Trend losses_;           // of all steps
  double usual_norm_ = 0;  // running mean of the gradient's norm
  long steps_ = 0;
  bool warned_of_chance_ = false, warned_of_gradient_ = false;
};

}  // namespace apps
