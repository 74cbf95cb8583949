#include "apps/watching/finished_run.h"

#include <filesystem>

#include "apps/run/run_directory.h"
#include "engine/files/text_file.h"
#include "models/methods/methods.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

// What was kept; null if it is absent or of another step.
ordered_json kept_result(const std::string& run, long step) {
  ordered_json kept = ordered_json::parse(engine::read_text(result_path(run)).bytes, nullptr, false);
  const auto steps = kept.is_object() ? kept.find("steps") : kept.end();
  return steps != kept.end() && steps->is_number_integer() && *steps == step ? kept : ordered_json();
}

// Made of the records, for a run that was killed at its end, or that version 0.1.0 has made.
ordered_json derived_result(const PretrainOptions& o, const Checkpoint& checkpoint) {
  const long step = checkpoint.step();
  ordered_json result = {{"run", o.run}, {"steps", step}, {"epochs", nullptr}, {"loss", nullptr}};
  if (std::filesystem::exists(o.run + "/metrics.jsonl"))
    for (const StepRecord& r : read_metrics(o.run))
      if (r.step == step) result["epochs"] = r.epoch, result["loss"] = r.loss;
  const PretrainOptions then = options_in(checkpoint.info(), o);
  result["chance_loss"] = models::describe_method(then, then.batch).chance_loss;
  result["skipped"] = nullptr;  // it was not kept
  result["checkpoint"] = checkpoint.path();
  return result;
}

}  // namespace

void keep_result(const std::string& run, const ordered_json& result) { write_json(result_path(run), result); }

ordered_json result_of_finished(const PretrainOptions& o, const Plan& plan, const Checkpoint& checkpoint,
                                LiveReport& report, RunLock lock) {
  const long step = checkpoint.step();
  ordered_json result = kept_result(o.run, step);
  if (!result.is_null()) {
    result["run"] = o.run;  // the folder may have been moved
    result["checkpoint"] = checkpoint.path();
    return result;
  }
  result = derived_result(o, checkpoint);
  const bool at_end = step == plan.steps && std::filesystem::exists(checkpoint_path(o.run, step));
  if (!at_end) return result;  // it was stopped here or later, or it is a checkpoint of another run
  lock = claim(o.run, std::move(lock));
  report.begin(plan, step);
  report.finished();
  keep_result(o.run, result);
  return result;
}

}  // namespace apps
