#include "apps/watching/loss_monitor.h"

namespace apps {

std::string LossMonitor::gradient_warning(const StepRecord& r) {
  constexpr double kTimes = 20;
  constexpr long kSteps = 20;  // after which the running mean is used
  const bool exploded = steps_ >= kSteps && r.gradient_norm > kTimes * usual_norm_;
  const double usual = usual_norm_;
  usual_norm_ = steps_ == 0 ? r.gradient_norm : usual_norm_ + (r.gradient_norm - usual_norm_) / kSteps;
  ++steps_;
  if (!exploded || warned_of_gradient_) return "";
  warned_of_gradient_ = true;
  return engine::concat_text("warning: the gradient explodes: its norm is ", r.gradient_norm, " at step ",
                             r.step, ", ", usual, " before; try a smaller --lr or a longer --warmup-epochs");
}

std::string LossMonitor::chance_warning(const StepRecord& r) {
  if (!plan_.ends_epoch(r.step)) return "";
  const double mean = sum_ / double(count_);
  sum_ = 0;
  count_ = 0;
  constexpr long kFewest = 8;  // losses without which a trend can't be seen
  const bool early = r.step < plan_.warmup_end() + plan_.steps_per_epoch || plan_.whole_epochs(r.step) == 0 ||
                     losses_.count() < kFewest;
  // Where the method has no loss of chance it is NaN, and the comparison is false.
  const bool at_chance = mean >= 0.99 * method_.chance_loss;
  if (!at_chance || warned_of_chance_ || early || losses_.falls()) return "";
  warned_of_chance_ = true;
  return engine::concat_text("warning: the mean loss of epoch ", plan_.whole_epochs(r.step), " is ", mean,
                             ", that of chance is ", method_.chance_loss,
                             ", and it has not been falling: nothing has been learned yet; try another --lr",
                             method_.advice.empty() ? "" : " or " + method_.advice);
}

std::string LossMonitor::operator()(const StepRecord& r) {
  const std::string gradient = gradient_warning(r);
  sum_ += r.loss;
  losses_.add(r.loss);
  ++count_;
  return gradient.empty() ? chance_warning(r) : gradient;
}

}  // namespace apps
