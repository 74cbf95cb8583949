#include "apps/training/start.h"

#include <sstream>

#include "apps/run/encoder_file.h"
#include "data/files.h"
#include "data/list_hash.h"
#include "engine/files/hash.h"

namespace apps {
namespace {

using engine::concat_text;

std::string rate_text(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", rate);
  return text;
}

// A line if batches don't follow the last one as they would have: "continues in epoch 2 at image 17 of 32".
std::string place_line(const CheckpointInfo& info, const PretrainOptions& o, const Setting& setting,
                       const Plan& plan, const Position& start) {
  const bool same = options_in(info, o).batch == o.batch && images_in(info, setting.images) == setting.images;
  const Position next = plan.position(start.step);
  if (same || plan.steps <= start.step) return "";
  return concat_text("step ", start.step + 1, " continues in epoch ", next.epoch + 1, " at image ",
                     next.images + 1, " of ", setting.images, ", with the next whole batch of ", o.batch);
}

// A line if the learning rate or the number of steps isn't what it would have been.
std::string schedule_line(const CheckpointInfo& info, const PretrainOptions& o, const Setting& setting,
                          const Plan& plan, const Position& start) {
  const PretrainOptions before = options_in(info, o);
  const long images = images_in(info, setting.images), step = start.step;
  if (images < before.batch) return "";
  const Plan old(before, images, start);
  const std::string rate = rate_text(plan.learning_rate(step, o.lr)),
                    old_rate = rate_text(old.learning_rate(step, before.lr));
  if (plan.steps == old.steps && rate == old_rate && o.lr == before.lr) return "";
  std::ostringstream text;
  text << "schedule: " << data::counted(double(plan.steps), "step");
  if (plan.steps != old.steps) text << " instead of " << old.steps;
  text << "; the learning rate continues at " << rate;
  if (rate != old_rate) text << " instead of " << old_rate;
  text << " at step " << step + 1;
  if (plan.warmup_end() >= plan.steps)
    text << ", rising until step " << plan.steps;
  else if (step < plan.warmup_end())
    text << ", rises to " << rate_text(o.lr) << " after step " << plan.warmup_end()
         << ", and falls along a cosine to 0 after step " << plan.steps;
  else
    text << ", falling along a cosine to 0 after step " << plan.steps;
  return text.str();
}

}  // namespace

Setting setting_of(const data::Dataset& dataset, const std::string& folder, int ranks) {
  const std::string all = data::describe(dataset), format = all.substr(0, all.find(':'));
  return {.data = concat_text(format, ": ", data::with_commas(dataset.size()), " images, ",
                              data::with_commas(dataset.classes().size()), " classes"),
          .images = long(dataset.size()),
          .list = engine::hash_text(data::list_hash(dataset, folder)),
          .ranks = ranks};
}

Start::Start(const PretrainOptions& o, const Setting& setting, const Ranks& ranks) {
  if (ranks.first() && !o.dry_run) lock_ = lock_run(o.run);  // no step is saved from here on
  if (ranks.first()) checkpoint_ = resume_from(o);
  if (checkpoint_) {
    require_same_model(checkpoint_->info(), o, checkpoint_->path());
    position_ = position_in(checkpoint_->info(), checkpoint_->path(), setting.images);
  }
  std::istringstream text(
      ranks.of_first(concat_text(position_.step, ' ', position_.epoch, ' ', position_.images)));
  text >> position_.step >> position_.epoch >> position_.images;
}

std::vector<std::string> Start::lines(const PretrainOptions& o, const Setting& setting,
                                      const Plan& plan) const {
  if (finished(plan)) {
    const std::string end = position_.step > plan.steps
                                ? concat_text(", beyond the ", plan.steps, " asked for")
                                : concat_text(" of ", plan.steps);
    return {concat_text("already at step ", position_.step, end, "; --", o.steps > 0 ? "steps" : "epochs",
                        " N trains further")};
  }
  std::vector<std::string> all = {warmup_warning(o, plan)};
  if (!checkpoint_ && o.resume == "auto") all.push_back("no checkpoint in " + o.run + ", starting at step 1");
  if (!checkpoint_) return all;
  const CheckpointInfo& info = checkpoint_->info();
  if (!o.init_weights.empty() && options_in(info, {}).init_weights != o.init_weights)
    all.push_back("resuming with the weights of the checkpoint: --init-weights is not used");
  const std::string options = resume_differences(info, o), other = setting_differences(info, setting);
  if (!options.empty()) all.push_back("resuming with other options: " + options);
  if (!other.empty()) all.push_back("resuming with " + other);
  all.push_back(place_line(info, o, setting, plan, position_));
  all.push_back(schedule_line(info, o, setting, plan, position_));
  return all;
}

std::string Start::load(const PretrainOptions& o, const TrainStep& train_step, const Ranks& ranks) {
  const engine::Parameters& parameters = train_step.method().parameters;
  std::string line;
  if (checkpoint_)
    load_checkpoint(*checkpoint_, o, parameters, train_step.state());
  else if (ranks.first() && !o.init_weights.empty())
    line = load_encoder(o.init_weights, o, parameters);
  if (!checkpoint_) train_step.method().start();
  checkpoint_.reset();
  ranks.share(parameters, train_step.state(), position_.step);
  return line;
}

}  // namespace apps
