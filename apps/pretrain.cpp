// dyad pretrain: the training loop.
#include <iostream>
#include <optional>

#include "apps/cli/commands.h"
#include "apps/ranks/ranks.h"
#include "apps/run/checkpoint.h"
#include "apps/run/encoder_file.h"
#include "apps/run/model.h"
#include "apps/system/exit_code.h"
#include "apps/system/signals.h"
#include "apps/training/captured_step.h"
#include "apps/training/observers.h"
#include "apps/training/training_data.h"

namespace apps {
namespace {

using engine::Tensor;

// Where a training starts: fresh weights, those of another encoder, or a checkpoint.
struct Start {
  long step = 0;
  std::string text;  // which weights were read, "" if none were
};

Start start_from(const std::optional<Checkpoint>& checkpoint, const PretrainOptions& o,
                 const TrainStep& train_step, const Ranks& ranks) {
  const engine::Parameters& parameters = train_step.method().parameters;
  Start start;
  if (checkpoint)
    start.step = load_checkpoint(*checkpoint, o, parameters, train_step.state());
  else if (ranks.first() && !o.init_weights.empty())
    start.text = load_encoder(o.init_weights, o, parameters);
  start.step = ranks.share(parameters, train_step.state(), start.step);
  return start;
}

int stopped(const StopSignals& signals, long step, const Plan& plan, Observers& observers,
            LiveReport& report) {
  const std::string reason = signals.stop() ? signals.name() : "another rank";
  observers.say(engine::concat_text(reason, ": stopped after step ", step, " of ", plan.steps,
                                    "; rerun with --resume auto to continue"));
  report.stopped(reason);
  return signals.stop() ? signals.exit_code() : kTryAgain;
}

int finished(const PretrainOptions& o, const Ranks& ranks, Observers& observers, LiveReport& report) {
  if (!o.trace.empty()) ranks.write_trace(o.trace);
  if (!ranks.first()) return kOk;
  report.finished();
  if (!o.json.empty()) write_json(o.json, observers.result());
  observers.say("report: " + o.run + "/report.html");
  for (const auto& [purpose, command] : report.state().next) observers.say(purpose + ": " + command);
  return kOk;
}

int train(const PretrainOptions& o, const data::Dataset& dataset, Ranks& ranks, LiveReport& report) {
  const engine::Device device = device_of_rank(o);
  const Plan plan(o, dataset, o.data);
  std::optional<Checkpoint> checkpoint;  // found before the networks are made: a mistyped name fails at once
  if (ranks.first() && !o.dry_run) checkpoint = resume_from(o);
  const auto method = make_method(o, device);
  if (o.dry_run) return print_plan(std::cout, o, plan, dataset, *method), kOk;
  const auto optimizer = make_optimizer(o, method->parameters);
  TrainStep train_step(*method, *optimizer, ranks.communicator(), o.batch,
                       std::int64_t(o.bucket * (1 << 20)));
  const Start start = start_from(checkpoint, o, train_step, ranks);
  checkpoint.reset();
  long step = start.step;

  const auto resident = resident_pixels(o, o.seed, dataset, device);
  data::Loader loader(dataset, loader_options(o, device, resident != nullptr), ranks.communicator());
  loader.seek(step / plan.steps_per_epoch, step % plan.steps_per_epoch);
  data::ViewBatches views = training_views(o, device, resident.get());
  Phases phase(device, o.sync);
  Observers observers(o, plan, dataset, train_step, ranks, phase, report, step);
  observers.say(start.text);
  if (resident) observers.skipped(resident->skipped);

  const auto save = [&] {
    observers.before_checkpoint();
    ranks.communicator().barrier();  // throws if a collective failed, after which the sums are wrong
    if (!ranks.first()) return;
    save_checkpoint(checkpoint_path(o.run, step), o, method->parameters, train_step.state(), step);
    keep_newest(o.run, o.keep, step);
  };
  CapturedStep step_on_device(device, o.graph, [&](Phases& p) {
    const Tensor images = p("views", [&] { return views.make(); });
    return train_step.launch(images, p);  // loss, backward, all-reduce, optimizer
  });
  const StopSignals signals;
  data::Batch batch;
  while (step < plan.steps && !ranks.any_late(signals.stop())) {
    observers.before_step(step);
    const double lr = plan.learning_rate(step, o.lr);
    phase("data", [&] { loader.next(batch); });
    phase("send", [&] { views.stage(batch), train_step.schedule(lr, plan.done(step)); });
    const Tensor loss = step_on_device(views.layout(), phase);
    observers.after_step(++step, loss, lr, batch);
    if (o.save_every > 0 && step % o.save_every == 0 && step < plan.steps) save();
  }
  if (step > 0) save();
  observers.at_end();
  return step < plan.steps ? stopped(signals, step, plan, observers, report)
                           : finished(o, ranks, observers, report);
}

}  // namespace

int pretrain(const PretrainOptions& given) {
  if (const auto code = start_ranks(given)) return *code;
  const auto dataset = data::open_dataset(given.data, data::Split::pretrain);
  PretrainOptions o = given;
  resolve(o, dataset->kind());
  if (!o.trace.empty()) engine::start_trace();
  Ranks ranks(o, "pretrain");
  LiveReport report(o, ranks.first());
  return ranks.guarded([&] {
    ranks.agree(facts_of(o, *dataset, ranks.size()));
    return report.guarded([&] { return train(o, *dataset, ranks, report); });
  });
}

}  // namespace apps
