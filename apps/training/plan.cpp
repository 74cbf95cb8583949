#include "apps/training/plan.h"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "apps/options/config.h"
#include "engine/optim/schedule.h"

namespace apps {
namespace {

std::string megabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", bytes / 1e6);
  return text;
}

bool resides(const PretrainOptions& o, const data::Dataset& dataset, engine::Device device) {
  return o.resident == "on" || (o.resident == "auto" && data::worth_residing(dataset, device));
}

// Activations of one step, measured on a forward pass of two images and scaled: every one of them is kept for
// backward.
double activation_bytes(const PretrainOptions& o, const Model& model) {
  const engine::Device device = model.parameters.device();
  const engine::Tensor images = engine::zeros({4, o.size, o.size, 3}, engine::parse_dtype(o.dtype), device);
  const std::size_t before = engine::memory_use(device).now;
  const engine::Tensor z = model.net(images, {engine::Mode::eval, engine::single()});
  return double(engine::memory_use(device).now - before) / 4 * 2 * o.batch;
}

}  // namespace

data::BadImages bad_images(const PretrainOptions& o) {
  return o.bad_images == "skip" ? data::BadImages::skip : data::BadImages::stop;
}

std::unique_ptr<data::Resident> resident_pixels(const PretrainOptions& o, const data::Dataset& dataset,
                                                engine::Device device) {
  if (!resides(o, dataset, device)) return nullptr;
  return std::make_unique<data::Resident>(dataset, device, o.threads, bad_images(o), o.seed);
}

data::LoaderOptions loader_options(const PretrainOptions& o, engine::Device device, bool resident) {
  return {.batch = o.batch,
          .threads = o.threads,
          .seed = o.seed,
          .device = device,
          .bad_images = bad_images(o),
          .pixels = !resident};
}

data::ViewRecipe training_recipe(const PretrainOptions& o) { return data::view_recipe("simclr-" + o.recipe); }

data::ViewBatches training_views(const PretrainOptions& o, engine::Device device,
                                 const data::Resident* resident) {
  return {training_recipe(o), 2, o.size, o.seed, device, engine::parse_dtype(o.dtype), resident};
}

Plan::Plan(const PretrainOptions& o, const data::Dataset& dataset)
    : steps_per_epoch(long(dataset.size()) / o.batch), chance_loss(std::log(2.0 * o.batch - 1)) {
  if (steps_per_epoch == 0)
    throw engine::UsageError(engine::concat_text("--batch is ", o.batch, ", but ", o.data, " has ",
                                                 dataset.size(), " images: expected at most as many"));
  steps = o.steps > 0 ? o.steps : o.epochs * steps_per_epoch;
  warmup_steps = o.warmup_epochs < 0
                     ? std::min(steps / 10, 10 * steps_per_epoch)
                     : std::min(steps, std::lround(o.warmup_epochs * double(steps_per_epoch)));
}

double Plan::learning_rate(long step, double peak) const {
  return engine::warmup_cosine(step, warmup_steps, steps, peak);
}

std::string Plan::text(const PretrainOptions& o, const data::Dataset& dataset, const Model& model) const {
  const engine::Device device = model.parameters.device();
  const char* pixels = resides(o, dataset, device)               ? "; pixels stay on the device"
                       : device.backend == engine::Backend::cuda ? "; pixels are sent with each batch"
                                                                 : "";
  return engine::concat_text(data::describe(dataset), pixels, "; ", o.arch, " x ", o.width, ", ",
                             model.parameters.trained_count(), " parameters, ", o.dtype, " on ", device, "; ",
                             o.batch, " pairs a step, ", steps, " steps of ", steps_per_epoch,
                             " an epoch; loss of chance ", chance_loss);
}

void print_plan(std::ostream& out, const PretrainOptions& o, const Plan& plan, const data::Dataset& dataset,
                const Model& model) {
  PretrainOptions copy = o;
  out << config_text("pretrain", fields(copy)) << '\n';
  for (const engine::Parameter& p : model.parameters.list())
    if (p.trained) out << "  " << p.name << ' ' << p.value.shape() << (p.decayed ? "" : "  no decay") << '\n';
  const double parameters = double(model.parameters.values().bytes());
  const int state = o.optimizer == "adamw" ? 2 : 1;
  out << '\n'
      << plan.text(o, dataset, model) << '\n'
      << "memory, about: parameters and gradients " << megabytes(2 * parameters) << ", optimizer "
      << megabytes(state * parameters) << ", activations " << megabytes(activation_bytes(o, model)) << '\n'
      << "warm-up " << plan.warmup_steps << " steps to lr " << o.lr << ", then cosine to 0 at step "
      << plan.steps << '\n';
}

StepRecord step_record(long step, const Plan& plan, double lr, int batch, const Phases& phases,
                       std::chrono::steady_clock::time_point begun) {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  StepRecord r{.step = step,
               .epoch = double(step) / double(plan.steps_per_epoch),
               .lr = lr,
               .pairs_per_s = batch / seconds};
  for (const auto& [name, milliseconds] : phases.milliseconds()) {
    r.phases.emplace_back(name, milliseconds);
    if (std::string(name) == "data") r.data_wait = milliseconds / 1e3 / seconds;
  }
  return r;
}

std::string Watch::gradient_warning(const StepRecord& r) {
  constexpr double kTimes = 20;
  constexpr long kSteps = 20;  // that make a usual length
  const bool exploded = steps_ >= kSteps && r.gradient_norm > kTimes * usual_norm_;
  const double usual = usual_norm_;
  usual_norm_ = steps_ == 0 ? r.gradient_norm : usual_norm_ + (r.gradient_norm - usual_norm_) / kSteps;
  ++steps_;
  if (!exploded || warned_of_gradient_) return "";
  warned_of_gradient_ = true;
  return engine::concat_text("warning: the gradient explodes: its norm is ", r.gradient_norm, " at step ",
                             r.step, ", ", usual, " before; try a smaller --lr or a longer --warmup-epochs");
}

std::string Watch::operator()(const StepRecord& r) {
  const std::string gradient = gradient_warning(r);
  sum_ += r.loss;
  ++count_;
  if (r.step % plan_.steps_per_epoch != 0 || !gradient.empty()) return gradient;
  const double mean = sum_ / double(count_);
  sum_ = 0;
  count_ = 0;
  if (warned_ || r.step < plan_.steps_per_epoch || mean < 0.99 * plan_.chance_loss) return "";
  warned_ = true;
  return engine::concat_text("warning: the mean loss of epoch ", r.step / plan_.steps_per_epoch, " is ", mean,
                             ", that of chance is ", plan_.chance_loss,
                             ": nothing has been learned yet; try another --lr or --tau");
}

}  // namespace apps
