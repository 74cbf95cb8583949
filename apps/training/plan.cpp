#include "apps/training/plan.h"

#include <algorithm>
#include <cmath>

#include "apps/training/training_data.h"
#include "data/files.h"
#include "engine/optim/schedule.h"

namespace apps {
namespace {

long image_count(const data::Dataset& dataset, int batch, const std::string& folder) {
  if (long(dataset.size()) < batch)
    throw engine::UsageError(engine::concat_text("--batch is ", batch, ", but ", folder, " has ",
                                                 data::counted(double(dataset.size()), "image"),
                                                 ": expected --batch ", dataset.size(), " or less"));
  return long(dataset.size());
}

}  // namespace

Plan::Plan(const ScheduleOptions& o, const data::Dataset& dataset, const std::string& folder,
           const Position& start)
    : Plan(o, image_count(dataset, o.batch, folder), start) {}

Plan::Plan(const ScheduleOptions& o, long images, const Position& start)
    : steps_per_epoch(images / o.batch), batch_(o.batch) {
  const long behind = std::min((start.images + batch_ - 1) / batch_, steps_per_epoch);
  shift_ = start.epoch * steps_per_epoch + behind - start.step;
  lead_ = o.steps > 0 ? 0 : shift_;
  steps = o.steps > 0 ? o.steps : o.epochs * steps_per_epoch - shift_;
  const long scheduled = steps + lead_;
  warmup_asked_ = o.warmup_epochs < 0 ? std::min(scheduled / 10, 10 * steps_per_epoch)
                                      : std::lround(o.warmup_epochs * double(steps_per_epoch));
  warmup_steps = std::min(scheduled, warmup_asked_);
}

double Plan::learning_rate(long step, double peak) const {
  return engine::warmup_cosine(step + lead_, warmup_steps, steps + lead_, peak);
}

double Plan::done(long step) const { return double(step + lead_) / double(steps + lead_); }

std::string warmup_warning(const ScheduleOptions& o, const Plan& plan) {
  if (!plan.warmup_fills_training()) return "";
  return engine::concat_text("the warm-up of ", data::counted(o.warmup_epochs, "epoch"),
                             plan.warmup_is_cut() ? " is longer than" : " takes the whole of",
                             " the training of ", data::counted(plan.warmup_epochs(), "epoch"),
                             ": the learning rate rises until the last step; --warmup-epochs auto chooses it "
                             "by the length");
}

std::vector<std::string> plan_lines(const PretrainOptions& o, const Plan& plan, const data::Dataset& dataset,
                                    const models::Method& method) {
  const engine::Device device = method.parameters.device();
  const char* pixels = keeps_pixels(o, dataset, device)          ? "; pixels stay on the device"
                       : device.backend == engine::Backend::cuda ? "; pixels are sent with each batch"
                                                                 : "";
  const long left = long(dataset.size()) % o.batch;
  const double chance = models::describe_method(o, o.batch).chance_loss;
  using engine::concat_text;
  return {
      data::describe(dataset) + pixels,
      concat_text(o.arch, " x ", o.width, ", ", o.stem, " stem, ", method.parameters.trained_count(),
                  " parameters, ", o.dtype, " on ", device),
      concat_text(data::counted(o.batch, "pair"), " a step, ", data::counted(double(plan.steps), "step"),
                  ", ", data::with_commas(std::uint64_t(plan.steps_per_epoch)), " an epoch",
                  10 * left > long(dataset.size()) ? concat_text(" that leaves out ", left, " images") : "",
                  std::isnan(chance) ? "" : concat_text("; loss of chance ", chance))};
}

}  // namespace apps
