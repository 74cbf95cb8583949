// What a training will do, known before it begins; and what is noticed while it runs.
#pragma once

#include <chrono>
#include <iosfwd>
#include <memory>
#include <string>

#include "apps/run/model.h"
#include "apps/run/run_directory.h"
#include "apps/training/phases.h"
#include "data/loader.h"
#include "data/resident.h"
#include "data/view_batch.h"

namespace apps {

data::BadImages bad_images(const PretrainOptions&);

// The data set's pixels on the device, if that is wanted; else null.
std::unique_ptr<data::Resident> resident_pixels(const PretrainOptions&, const data::Dataset&, engine::Device);
data::LoaderOptions loader_options(const PretrainOptions&, engine::Device, bool resident);

// The two views of each image that SimCLR learns from.
data::ViewRecipe training_recipe(const PretrainOptions&);
data::ViewBatches training_views(const PretrainOptions&, engine::Device, const data::Resident* = nullptr);

struct Plan {
  long steps_per_epoch, steps, warmup_steps;
  double chance_loss;  // ln(2N - 1): of embeddings that know nothing

  // UsageError if the data set is smaller than a batch.
  Plan(const PretrainOptions& resolved, const data::Dataset&);
  std::string text(const PretrainOptions&, const data::Dataset&, const Model&) const;  // one line
  double learning_rate(long step, double peak) const;  // of the step after `step` steps
};

// For --dry-run: the effective configuration, the parameters' shapes, memory, steps and the chance loss.
void print_plan(std::ostream&, const PretrainOptions&, const Plan&, const data::Dataset&, const Model&);

// Without the loss, which comes later (late_records.h).
StepRecord step_record(long step, const Plan&, double lr, int batch, const Phases&,
                       std::chrono::steady_clock::time_point begun);

// Looks at each step: a loss at chance after the first epoch is worth a warning, once; so is a gradient many
// times longer than it was of late.
class Watch {
 public:
  explicit Watch(const Plan& plan) : plan_(plan) {}
  std::string operator()(const StepRecord&);  // "" or a warning

 private:
  const Plan& plan_;
  double sum_ = 0;  // of the losses of this epoch
  long count_ = 0;
  double usual_norm_ = 0;  // of the gradient, of late
  long steps_ = 0;
  bool warned_ = false, warned_of_gradient_ = false;
  std::string gradient_warning(const StepRecord&);
};

}  // namespace apps
