// dyad pretrain: the training loop.
#include <iostream>

#include "apps/cli/commands.h"
#include "apps/planning/dry_run.h"
#include "apps/planning/memory_need.h"
#include "apps/planning/stem_choice.h"
#include "apps/planning/unused_options.h"
#include "apps/ranks/late_wishes.h"
#include "apps/report/expectation.h"
#include "apps/run/checkpoint.h"
#include "apps/run/left_out.h"
#include "apps/run/model.h"
#include "apps/run/next_commands.h"
#include "apps/system/exit_code.h"
#include "apps/system/signals.h"
#include "apps/training/captured_step.h"
#include "apps/training/save_times.h"
#include "apps/training/start.h"
#include "apps/training/training_data.h"
#include "apps/watching/finished_run.h"
#include "apps/watching/observers.h"
#include "data/list_hash.h"
#include "engine/escape.h"

namespace apps {
namespace {

using engine::Tensor;

int stopped(int code, const PretrainOptions& o, const StopSignals& signals, long step, const Plan& plan,
            Observers& observers, LiveReport& report) {
  const std::string here = signals.name(), signal = code == kInterrupted ? "Ctrl-C" : "a signal";
  const std::string reason = here.empty() ? signal + " to another rank" : here;
  observers.say(engine::concat_text(reason, ": stopped after step ", step, " of ", plan.steps,
                                    "; to continue: ", continue_command(o, launch_text()).second));
  report.stopped(reason);
  return code;
}

int finished(const PretrainOptions& o, const data::Dataset& dataset, const Ranks& ranks, Observers& observers,
             LiveReport& report) {
  if (!o.trace.empty()) ranks.write_trace(o.trace);
  if (!ranks.first()) return kOk;
  report.finished();
  const nlohmann::ordered_json result = observers.result();
  keep_result(o.run, result);
  if (!o.json.empty()) write_json(o.json, result);
  observers.say("report: " + o.run + "/report.html");
  if (!dataset.classes().empty() && !report.suggests_evaluation())
    observers.say(
        "evaluate: needs a test split: --data with train/ and val/, or --split-from 0.1 when the training "
        "begins");
  for (const auto& [purpose, command] : report.state().next) observers.say(purpose + ": " + command);
  return kOk;
}

void print_lines(const std::vector<std::string>& lines) {
  for (const std::string& line : lines)
    if (!line.empty()) std::cerr << engine::shown(line) << std::endl;
}

int nothing_left(const PretrainOptions& o, const Plan& plan, Start& start,
                 const std::vector<std::string>& lines, const Expectation& expectation, const Ranks& ranks,
                 LiveReport& report) {
  if (!ranks.first()) return kOk;
  print_lines(lines);
  keep_expectation(o.run, expectation);
  const nlohmann::ordered_json result =
      result_of_finished(o, plan, *start.checkpoint(), report, start.take_lock());
  if (!o.json.empty()) write_json(o.json, result);
  return kOk;
}

int train(const PretrainOptions& given, PretrainOptions o, const data::Dataset& dataset,
          const Setting& setting, Ranks& ranks, LiveReport& report) {
  const engine::Device device = device_of_rank(o);
  const Expectation expectation = ranks.first() ? read_expectation(o) : Expectation{};
  Start start(o, setting, ranks);  // before the networks are made: a mistyped name fails at once
  const Plan plan(o, dataset, o.data, start.position());
  if (o.warmup_epochs < 0) o.warmup_epochs = plan.warmup_epochs();
  std::vector<std::string> lines = start.lines(o, setting, plan);
  lines.push_back(expectation.unlike);
  lines.push_back(ranks.first() ? left_out_line(o.data, std::int64_t(dataset.size())) : "");
  if (start.finished(plan) && !o.dry_run)
    return nothing_left(o, plan, start, lines, expectation, ranks, report);
  lines.insert(lines.end(), {unused_options(o), queue_note(o, dataset.size())});
  if (o.dry_run && ranks.first()) print_lines(lines);
  lines.push_back(ranks.first() ? stem_choice(given, o) : "");
  const auto method = make_method(o, device);
  if (o.dry_run)
    return dry_run(std::cout, o, plan, dataset, *method, lines.back(), setting.ranks, start.position().step);
  const StopSignals signals;  // from here on there is something to do before the end
  const auto optimizer = make_optimizer(o, method->parameters);
  const std::string memory = required_memory(o, dataset, *method, ranks);
  TrainStep train_step(*method, *optimizer, ranks.communicator(), o.batch, bucket_bytes(o),
                       recompute_mode(o.recompute));
  lines.insert(lines.end(), {memory, start.load(o, train_step, ranks)});
  long step = start.position().step;

  const auto resident = resident_pixels(o, o.seed, dataset, device);
  data::Loader loader(dataset, loader_options(o, device, resident != nullptr), ranks.communicator());
  loader.seek(plan.whole_epochs(step), plan.batch_in_epoch(step));
  data::ViewBatches views = training_views(o, device, resident.get());
  Phases phase(device, o.sync);
  Observers observers(o, plan, dataset, train_step, ranks, phase, report, step, start.take_lock());
  keep_expectation(o.run, expectation);
  if (ranks.first()) keep_left_out(o.run, o.data);
  for (const std::string& line : lines) observers.say(line);
  if (resident) observers.skipped(resident->skipped);

  SaveTimes saves(save_every(o.save_every), plan, step);
  const auto save = [&] {
    if (saves.has_saved(step)) return;
    saves.saved(step);
    observers.before_checkpoint(step);
    ranks.communicator().barrier();  // throws if a collective failed, after which the sums are wrong
    if (!ranks.first()) return;
    save_checkpoint(checkpoint_path(o.run, step), o, method->parameters, train_step.state(),
                    plan.position(step), setting);
    keep_newest(o.run, o.keep, step);
    report.saved();
  };
  CapturedStep step_on_device(device, o.graph, [&](Phases& p) {
    return train_step.launch(p("views", [&] { return views.make(); }), p, views.labels(),
                             views.second_places());  // to optimizer
  });
  LateWishes wishes_of_all(ranks.communicator());
  data::Batch batch;
  int stop = 0;
  while (step < plan.steps) {
    const Wishes wishes = wishes_of_all({.stop = signals.exit_code(), .save = saves.late()});
    if ((stop = wishes.stop) != 0) break;
    if (wishes.save || saves.due(step)) save();
    observers.before_step(step);
    const double lr = plan.learning_rate(step, o.lr);
    phase("data", [&] { loader.next(batch); });
    phase("send", [&] { views.stage(batch), train_step.schedule(lr, plan.done(step)); });
    const Tensor loss = step_on_device(views.layout(), phase);
    observers.after_step(++step, loss, lr, batch);
  }
  save();
  observers.at_end();
  return step < plan.steps ? stopped(stop, o, signals, step, plan, observers, report)
                           : finished(o, dataset, ranks, observers, report);
}

// Adds to the error of an image that can't be decoded how to train without it.
int or_how_to_skip(const std::function<int()>& f) {
  try {
    return f();
  } catch (const data::BadImage& e) {
    throw engine::DataError(std::string(e.what()) +
                            "; dyad data check lists all such images, --bad-images skip trains without them");
  }
}

bool can_be_evaluated(const PretrainOptions& o, const data::Dataset& dataset) {
  const bool split = o.split_from > 0 || data::has_split(o.data, data::Split::test);
  return !dataset.classes().empty() && split;
}

// The images. A resumed run has their path from its config.toml, perhaps relative to another folder.
std::unique_ptr<data::Dataset> images_of(const PretrainOptions& given) {
  if (!given.resume.empty() && !data::is_there(given.data))
    throw engine::DataError(given.data + ": is not there; unless you gave it, the path is that of " +
                            given.run + "/config.toml: name the images with --data");
  return pretraining_images(given);
}

}  // namespace

int pretrain(const PretrainOptions& given) {
  require_image_for_each_rank(given, given.batch);
  PretrainOptions o = given;
  std::unique_ptr<data::Dataset> dataset;
  const auto open = [&] {
    dataset = images_of(given);
    resolve(o = given, dataset->kind());
  };
  // the dry run of --ranks is this process alone
  if (const auto code = given.dry_run ? std::nullopt : start_ranks(given, [&] { open(), dataset.reset(); }))
    return *code;
  open();
  dataset->decode_as(decode_options(given));
  if (!o.trace.empty()) engine::start_trace();
  Ranks ranks(o, "pretrain");
  LiveReport report(o, ranks.first(), can_be_evaluated(o, *dataset));
  return ranks.guarded([&] {
    Setting setting = setting_of(*dataset, o.data, o.dry_run ? number_of_ranks(o) : ranks.size());
    if (ranks.size() > 1) setting.files = data::files_text(*dataset, o.verify_images);
    ranks.agree(facts_of(o, setting));
    if (o.dry_run && !ranks.first()) return int(kOk);
    return report.guarded(
        [&] { return or_how_to_skip([&] { return train(given, o, *dataset, setting, ranks, report); }); });
  });
}

}  // namespace apps
