#include "apps/run/run_state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>

#include "apps/run/run_directory.h"
#include "apps/system/duration.h"
#include "data/files.h"
#include "engine/error.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

std::string file_of(const std::string& run) { return run + "/state.json"; }

std::string epochs_text(double epochs) {  // "12", "3.20"
  char text[32];
  std::snprintf(text, sizeof text, epochs == double(long(epochs)) ? "%.0f" : "%.2f", epochs);
  return text;
}

// Whether a training holds the lock of the run (RunDirectory).
bool is_written(const std::string& run) {
  const int log = open((run + "/train.log").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (log < 0) return false;
  const bool locked = flock(log, LOCK_SH | LOCK_NB) != 0;
  close(log);
  return locked;
}

// state.json is written once a minute and with each checkpoint, metrics.jsonl with each step.
void take_last_step(RunState& s, const std::string& run) {
  try {
    const std::vector<StepRecord> steps = read_metrics(run);
    if (steps.empty() || steps.back().step <= s.step) return;
    s.step = steps.back().step;
    s.epoch = steps.back().epoch;
  } catch (const engine::DataError&) {  // the report says what is wrong with the file
  }
}

}  // namespace

std::string state_text(const RunState& s) {
  const std::string epochs = epochs_text(s.epochs);
  if (s.phase == "finished")
    return engine::concat_text("finished: ", epochs, s.epochs == 1 ? " epoch, " : " epochs, ",
                               data::counted(double(s.steps), "step"));
  char epoch[32];
  std::snprintf(epoch, sizeof epoch, "%.2f", s.epoch);
  if (s.running())
    return engine::concat_text("epoch ", epoch, " of ", epochs, ", step ", s.step, " of ", s.steps,
                               s.seconds_left < 0 ? "" : ", " + duration_text(s.seconds_left) + " left");
  return engine::concat_text(s.phase, " after step ", s.step, " of ", s.steps, " (epoch ", epoch, " of ",
                             epochs, ")", s.reason.empty() ? "" : ": " + s.reason);
}

ordered_json state_json(const RunState& s) {
  ordered_json j = {
      {"phase", s.phase}, {"step", s.step}, {"steps", s.steps}, {"epoch", s.epoch}, {"epochs", s.epochs}};
  if (s.seconds_left >= 0) j["seconds_left"] = s.seconds_left;
  if (!s.reason.empty()) j["reason"] = s.reason;
  j["next"] = ordered_json::object();
  for (const auto& [purpose, command] : s.next) j["next"][purpose] = command;
  return j;
}

void write_state(const std::string& run, const RunState& s) { write_json(file_of(run), state_json(s)); }

std::optional<RunState> read_state(const std::string& run) {
  const ordered_json j = ordered_json::parse(engine::read_text(file_of(run)).bytes, nullptr, false);
  try {
    RunState s{.phase = j.at("phase"),
               .step = j.at("step"),
               .steps = j.at("steps"),
               .epoch = j.at("epoch"),
               .epochs = j.at("epochs"),
               .seconds_left = j.value("seconds_left", -1.0),
               .reason = j.value("reason", "")};
    for (const auto& [purpose, command] : j.at("next").items()) s.next.emplace_back(purpose, command);
    if (!s.running() || is_written(run)) return s;
    s.phase = "stopped";
    s.reason = "the process was killed";
    take_last_step(s, run);
    return s;
  } catch (const ordered_json::exception&) {
    return std::nullopt;
  }
}

}  // namespace apps
