#include "apps/watching/observers.h"

#include <iostream>

#include "apps/run/checkpoint.h"
#include "apps/training/training_data.h"
#include "data/decode/png.h"
#include "data/preview.h"
#include "engine/escape.h"

namespace apps {

Observers::Observers(const PretrainOptions& o, const Plan& plan, const data::Dataset& dataset,
                     TrainStep& train_step, Ranks& ranks, Phases& phases, LiveReport& report, long step,
                     RunLock lock)
    : options_(o),
      plan_(plan),
      dataset_(dataset),
      train_step_(train_step),
      ranks_(ranks),
      phases_(phases),
      report_(report),
      run_(o, step, ranks.first(), std::move(lock)),
      progress_(ranks.first() ? stderr : nullptr, run_, {step, plan.steps}),
      loss_monitor_(plan, models::describe_method(o, o.batch)),
      embedding_monitor_(o, plan, dataset, train_step.method(), run_, ranks.first()),
      non_finite_search_(o, plan, dataset, train_step, ranks),
      step_log_(train_step.method().parameters.device(), [this](const StepRecord& r) { recorded(r); }) {
  if (ranks.first())
    for (const std::string& line : set_aside_later(o.run, step)) say(line);
  report_.begin(plan, step);
  for (const std::string& line : plan_lines(o, plan, dataset, train_step.method())) say(line);
  say(embedding_monitor_.no_probes());
  if (const std::string kept = dataset.held_out(); ranks.first() && !kept.empty())
    write_text(test_split_path(o.run), kept);
  if (ranks.first())
    data::write_png(run_.path("views.png"),
                    data::preview(dataset, recipes_of(o), 6, o.size, o.seed, bad_images(o)));
}

void Observers::before_step(long step) {
  phases_.clear();
  non_finite_search_.keep(step);
  begun_ = std::chrono::steady_clock::now();
}

void Observers::after_step(long step, const engine::Tensor& loss, double lr, const data::Batch& batch) {
  skipped(batch.skipped);
  step_log_.finish();  // the step before: its loss was computed while this step was queued
  step_log_.begin(loss, train_step_.gradient_square(), train_step_.method().log_temperature(),
                  record(step, lr));
  if (options_.verify_every > 0 && step % options_.verify_every == 0)
    ranks_.verify(train_step_.method().parameters, step);
  tell_decoding();
  if (!embedding_monitor_.due(step)) return;
  step_log_.finish();  // what is not finite is found before it is measured
  non_finite_search_.check_parameters(step);
  say(embedding_monitor_(step));
}

void Observers::recorded(const StepRecord& r) {
  last_ = r;
  run_.record(r);
  non_finite_search_.check(r);
  progress_.step(r);
  say(loss_monitor_(r));
  say(report_.step(r, progress_.seconds_left(r).value_or(-1)));
}

StepRecord Observers::record(long step, double lr) const {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
  StepRecord r{.step = step,
               .epoch = plan_.epoch(step),
               .lr = lr,
               .pairs_per_s = options_.batch / seconds,
               .seconds = seconds};
  for (const auto& [name, milliseconds] : phases_.milliseconds()) {
    r.phases.emplace_back(name, milliseconds);
    if (std::string(name) == "data") r.data_wait = milliseconds / 1e3 / seconds;
  }
  return r;
}

void Observers::tell_decoding() {
  const std::vector<std::string> notes = dataset_.decoding_notes();
  for (std::size_t i = 0; i < notes.size(); ++i)
    if (told_decoding_.insert(notes[i]).second) say(notes[i]);
}

void Observers::before_checkpoint(long step) {
  step_log_.finish();
  non_finite_search_.check_parameters(step);
  run_.sync();
}

void Observers::at_end() {
  if (bad_images(options_) == data::BadImages::skip) skipped_.gather(ranks_.communicator());
  say(skipped_.summary());
  if (last_.step > 0) progress_.finish(last_);  // else there was no step left to do
}

void Observers::say(const std::string& line) {
  if (!line.empty()) progress_.say(line);
}

void Observers::skipped(const std::vector<std::string>& images) {
  for (const std::string& line : skipped_.note(images)) {
    say(line);  // on the first rank
    if (!ranks_.first()) std::cerr << "rank " << ranks_.rank() << ": " << engine::shown(line) << std::endl;
  }
}

nlohmann::ordered_json Observers::result() const {
  return {{"run", options_.run},
          {"steps", last_.step},
          {"epochs", last_.epoch},
          {"loss", last_.loss},
          {"chance_loss", models::describe_method(options_, options_.batch).chance_loss},
          {"skipped", skipped_.times()},
          {"checkpoint", checkpoint_path(options_.run, last_.step)}};
}

}  // namespace apps
