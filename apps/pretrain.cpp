// dyad pretrain: the training loop.
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/cli/commands.h"
#include "apps/ranks/ranks.h"
#include "apps/report/report.h"
#include "apps/run/checkpoint.h"
#include "apps/run/encoder_file.h"
#include "apps/system/exit_code.h"
#include "apps/system/signals.h"
#include "apps/training/captured_step.h"
#include "apps/training/embedding_monitor.h"
#include "apps/training/non_finite.h"
#include "apps/training/plan.h"
#include "apps/training/progress.h"
#include "apps/training/skipped_images.h"
#include "apps/training/step_log.h"
#include "apps/training/train_step.h"
#include "data/decode/png.h"
#include "data/preview.h"

namespace apps {
namespace {

nlohmann::ordered_json summary(const PretrainOptions& o, const Plan& plan, const StepRecord& last,
                               const SkippedImages& skipped) {
  return {{"run", o.run},
          {"steps", last.step},
          {"epochs", last.epoch},
          {"loss", last.loss},
          {"chance_loss", plan.chance_loss},
          {"skipped", skipped.times()},
          {"checkpoint", checkpoint_path(o.run, last.step)}};
}

using engine::Tensor;

int train(const PretrainOptions& o, const data::Dataset& dataset, Ranks& ranks) {
  const engine::Device device = device_of_rank(o);

  const Plan plan(o, dataset);
  std::optional<Checkpoint> checkpoint;  // before the model, which takes a second: a name is soon mistyped
  if (ranks.first() && !o.dry_run) checkpoint = resume_from(o);
  const Model model(o, device);
  const auto optimizer = make_optimizer(o, model.parameters);
  if (o.dry_run) return print_plan(std::cout, o, plan, dataset, model), kOk;

  long step = 0;
  std::string begun_with;
  if (checkpoint)
    step = load_checkpoint(*checkpoint, o, model.parameters, optimizer->state());
  else if (ranks.first() && !o.init_weights.empty())
    begun_with = load_encoder(o.init_weights, o, model.parameters);
  checkpoint.reset();
  step = ranks.share(model.parameters, optimizer->state(), step);
  const auto resident = resident_pixels(o, dataset, device);
  data::Loader loader(dataset, loader_options(o, device, resident != nullptr), ranks.communicator());
  loader.seek(step / plan.steps_per_epoch, step % plan.steps_per_epoch);
  RunDirectory run(o, step, ranks.first());
  Progress progress(ranks.first() ? stderr : nullptr, run, step, plan.steps);
  progress.say(plan.text(o, dataset, model));
  if (!begun_with.empty()) progress.say(begun_with);
  Watch watch(plan);
  Monitor monitor(o, plan, dataset, model, run, ranks.first());
  StepRecord record;
  const Tensor tau = engine::full({1}, o.tau, model.parameters.dtype(), device);
  TrainStep train_step(model, *optimizer, ranks.communicator(), o.batch, std::int64_t(o.bucket * (1 << 20)));
  NonFinite non_finite(o, plan, dataset, model, *optimizer, train_step, ranks, tau);
  LateRecords records(device, [&](const StepRecord& r) {
    run.record(record = r);
    non_finite.check(r);
    progress.step(r);
    if (const std::string warning = watch(r); !warning.empty()) progress.say(warning);
  });
  const auto save = [&] {
    records.finish();
    ranks.communicator().barrier();  // after a collective that failed the device works on with wrong sums
    if (!ranks.first()) return;
    run.sync();
    save_checkpoint(checkpoint_path(o.run, step), o, model.parameters, optimizer->state(), step);
    keep_newest(o.run, o.keep, step);
  };

  if (ranks.first())
    data::write_png(run.path("views.png"),
                    data::preview(dataset, training_recipe(o), 6, o.size, o.seed, bad_images(o)));
  const StopSignals signals;
  Phases phase(device, o.sync);
  data::ViewBatches views = training_views(o, device, resident.get());
  CapturedStep step_on_device(device, o.graph, [&](Phases& p) {
    return train_step.launch(p("views", [&] { return views.make(); }), tau, p);
  });
  data::Batch batch;
  SkippedImages skipped;
  const auto note_skipped = [&](const std::vector<std::string>& wrong) {
    for (const std::string& line : skipped.note(wrong)) {
      progress.say(line);  // of the first rank
      if (!ranks.first()) std::cerr << "rank " << ranks.rank() << ": " << line << std::endl;
    }
  };
  if (resident) note_skipped(resident->skipped);
  while (step < plan.steps && !ranks.any_late(signals.stop())) {
    phase.clear();
    non_finite.keep(step);
    const auto begun = std::chrono::steady_clock::now();
    phase("data", [&] { loader.next(batch); });
    note_skipped(batch.skipped);
    const double lr = plan.learning_rate(step, o.lr);
    phase("send", [&] { views.stage(batch), optimizer->set_learning_rate(lr); });
    const Tensor loss = step_on_device(views.layout(), phase);

    records.finish();  // of the step before: its loss came while this one was queued
    records.begin(loss, train_step.gradient_square(), step_record(++step, plan, lr, o.batch, phase, begun));
    if (o.verify_every > 0 && step % o.verify_every == 0) ranks.verify(model.parameters, step);
    if (const std::string warning = monitor(step); !warning.empty()) progress.say(warning);
    if (o.save_every > 0 && step % o.save_every == 0 && step < plan.steps) save();
  }
  if (step > 0) save();
  if (bad_images(o) == data::BadImages::skip) skipped.gather(ranks.communicator());
  if (const std::string said = skipped.summary(); !said.empty()) progress.say(said);
  if (record.step > 0) progress.finish(record);  // else there was nothing left to do
  if (step < plan.steps) {
    progress.say(engine::concat_text(signals.stop() ? signals.name() : "another rank",
                                     ": stopped after step ", step, " of ", plan.steps,
                                     "; --resume auto goes on from there"));
    return signals.stop() ? signals.exit_code() : kTryAgain;
  }
  if (!o.trace.empty()) ranks.write_trace(o.trace);
  if (!ranks.first()) return kOk;
  write_report(o.run);
  if (!o.json.empty()) write_json(o.json, summary(o, plan, record, skipped));
  progress.say("report: " + run.path("report.html"));
  return kOk;
}

}  // namespace

int pretrain(const PretrainOptions& given) {
  if (const auto code = start_ranks(given)) return *code;
  const auto dataset = data::open_dataset(given.data, data::Split::pretrain);
  PretrainOptions o = given;
  resolve(o, dataset->kind());
  if (!o.trace.empty()) engine::start_trace();
  Ranks ranks(o, "pretrain");
  return ranks.guarded([&] {
    ranks.agree(facts_of(o, *dataset, ranks.size()));
    return train(o, *dataset, ranks);
  });
}

}  // namespace apps
