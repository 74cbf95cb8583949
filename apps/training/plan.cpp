#include "apps/training/plan.h"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "apps/options/config.h"
#include "apps/training/training_data.h"
#include "engine/optim/schedule.h"

namespace apps {
namespace {

std::string megabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", bytes / 1e6);
  return text;
}

// The memory of a step's activations, all of which are kept for backward: measured on a forward pass of four
// images, and scaled to the batch.
double activation_bytes(const PretrainOptions& o, const models::Method& method) {
  const engine::Device device = method.parameters.device();
  const engine::Tensor images = engine::zeros({4, o.size, o.size, 3}, engine::parse_dtype(o.dtype), device);
  const std::size_t before = engine::memory_use(device).now;
  const engine::Tensor z = method.branch()(images, {engine::Mode::eval, engine::single()});
  return double(engine::memory_use(device).now - before) / 4 * 2 * o.batch;
}

}  // namespace

Plan::Plan(const ScheduleOptions& o, const data::Dataset& dataset, const std::string& folder)
    : steps_per_epoch(long(dataset.size()) / o.batch) {
  if (steps_per_epoch == 0)
    throw engine::UsageError(engine::concat_text("--batch is ", o.batch, ", but ", folder, " has ",
                                                 dataset.size(), " images: expected at most as many"));
  steps = o.steps > 0 ? o.steps : o.epochs * steps_per_epoch;
  warmup_steps = o.warmup_epochs < 0
                     ? std::min(steps / 10, 10 * steps_per_epoch)
                     : std::min(steps, std::lround(o.warmup_epochs * double(steps_per_epoch)));
}

double Plan::learning_rate(long step, double peak) const {
  return engine::warmup_cosine(step, warmup_steps, steps, peak);
}

std::vector<std::string> plan_lines(const PretrainOptions& o, const Plan& plan, const data::Dataset& dataset,
                                    const models::Method& method) {
  const engine::Device device = method.parameters.device();
  const char* pixels = keeps_pixels(o, dataset, device)          ? "; pixels stay on the device"
                       : device.backend == engine::Backend::cuda ? "; pixels are sent with each batch"
                                                                 : "";
  const double chance = models::describe_method(o, o.batch).chance_loss;
  using engine::concat_text;
  return {data::describe(dataset) + pixels,
          concat_text(o.arch, " x ", o.width, ", ", o.stem, " stem, ", method.parameters.trained_count(),
                      " parameters, ", o.dtype, " on ", device),
          concat_text(o.batch, " pairs a step, ", plan.steps, " steps of ", plan.steps_per_epoch, " an epoch",
                      std::isnan(chance) ? "" : concat_text("; loss of chance ", chance))};
}

void print_plan(std::ostream& out, const PretrainOptions& o, const Plan& plan, const data::Dataset& dataset,
                const models::Method& method) {
  PretrainOptions copy = o;
  out << config_text("pretrain", fields(copy)) << '\n';
  for (const engine::Parameter& p : method.parameters.list())
    if (p.trained) out << "  " << p.name << ' ' << p.value.shape() << (p.decayed ? "" : "  no decay") << '\n';
  const double parameters = double(method.parameters.values().bytes());
  const int state = o.optimizer == "adamw" ? 2 : 1;
  out << '\n';
  for (const std::string& line : plan_lines(o, plan, dataset, method)) out << line << '\n';
  out << "memory, about: parameters and gradients " << megabytes(2 * parameters) << ", optimizer "
      << megabytes(state * parameters) << ", activations " << megabytes(activation_bytes(o, method)) << '\n'
      << "warm-up " << plan.warmup_steps << " steps to lr " << o.lr << ", then cosine to 0 at step "
      << plan.steps << '\n';
}

}  // namespace apps
