#include "apps/run/run_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/options/config.h"
#include "apps/run/checkpoint.h"
#include "apps/system/json_text.h"
#include "apps/system/machine.h"
#include "apps/system/result_output.h"
#include "engine/error.h"
#include "engine/escape.h"
#include "engine/files/atomic_file.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

using engine::UsageError;
using nlohmann::ordered_json;

// Truncates a file of lines after the last complete line whose step is at most `last`.
void truncate_lines(const std::string& path, long last) {
  const engine::FileText text = engine::read_text(path);
  if (!text.read() && !std::filesystem::exists(std::filesystem::symlink_status(path))) return;
  if (!text.read()) throw UsageError(path + ": can't be read: " + text.error);
  std::size_t end = 0;
  for (std::size_t stop = 0; (stop = text.bytes.find('\n', end)) != std::string::npos; end = stop + 1) {
    const auto record = nlohmann::json::parse(text.bytes.substr(end, stop - end), nullptr, false);
    const auto step = record.is_object() ? record.find("step") : record.end();
    if (step == record.end() || !step->is_number() || step->get<long>() > last) break;
  }
  if (end == text.bytes.size()) return;
  std::string error;
  const int file = engine::open_own_file(path, O_WRONLY, error);
  const bool done = file >= 0 && ftruncate(file, off_t(end)) == 0;
  if (file >= 0 && !done) error = std::strerror(errno);
  if (file >= 0) close(file);
  if (!done) throw UsageError(path + ": can't be written: " + error);
}

std::string time_text() {
  char time[32];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::strftime(time, sizeof time, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &parts));
  return time;
}

std::string log_path(const std::string& run) { return run + "/train.log"; }

RunLock locked(const std::string& run) {
  auto log = std::make_unique<AppendFile>(log_path(run));
  if (!log->lock()) throw UsageError(run + ": another process is writing this run");
  return log;
}

// The lines of a file; each is a JSON object with a step.
std::vector<ordered_json> read_lines(const std::string& path) {
  const engine::FileText text = engine::read_text(path);
  engine::require_data(text.read(), path, ": can't be read: ", text.error);
  std::istringstream file(text.bytes);
  std::vector<ordered_json> lines;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    ordered_json j = ordered_json::parse(line, nullptr, false);
    if (j.is_discarded() && file.eof()) break;  // the last line, incompletely written
    engine::require_data(j.is_object() && j.contains("step") && j["step"].is_number(), path, " line ", number,
                         ": expected a JSON object");
    lines.push_back(std::move(j));
  }
  return lines;
}

}  // namespace

RunDirectory::RunDirectory(const PretrainOptions& resolved, long resume_step, bool writes, RunLock lock)
    : path_(resolved.run), resume_step_(resume_step) {
  if (!writes) return;
  if (resume_step == 0 && !checkpoints(path_).empty())
    throw UsageError(path_ +
                     (resolved.resume == "auto" ? " holds damaged checkpoints only: move them away, or"
                                                : " holds a run: continue it with --resume auto, or") +
                     " name another folder with --run");
  std::error_code error;
  if (std::filesystem::exists(path_, error) && !std::filesystem::is_directory(path_, error))
    throw UsageError("--run " + path_ + ": is a file, expected a folder, or the name of a new one");
  std::filesystem::create_directories(path("checkpoints"), error);
  if (error) throw UsageError(path("checkpoints") + ": can't be made: " + error.message());

  log_ = claim(path_, std::move(lock));
  std::filesystem::remove(result_path(path_));  // of an earlier end
  for (const auto& [name, file] :
       {std::pair("metrics.jsonl", &metrics_), std::pair("monitor.jsonl", &monitor_),
        std::pair("usage.jsonl", &usage_)}) {
    truncate_lines(path(name), resume_step);
    file->emplace(path(name));
  }
  PretrainOptions o = resolved;
  write_text(path("config.toml"), config_text("pretrain", fields(o)));
  meter_.emplace(engine::parse_device(resolved.device));
  ordered_json env = environment(resolved.device);
  env["started"] = time_text();
  write_json(path("env.json"), env);
}

void append_to_log(const std::string& run, const std::string& line) {
  AppendFile(log_path(run)).write(time_text() + "  " + engine::shown(line) + "\n");
}

void RunDirectory::log(const std::string& line) {
  if (log_) log_->write(time_text() + "  " + line + "\n");
}

void RunDirectory::record(const StepRecord& r) {
  if (!metrics_) return;
  ordered_json line = {{"step", r.step},
                       {"epoch", r.epoch},
                       {"loss", r.loss},
                       {"lr", r.lr},
                       {"gradient_norm", r.gradient_norm},
                       {"pairs_per_s", r.pairs_per_s},
                       {"data_wait", r.data_wait}};
  for (const auto& [name, value] : r.more) line[name] = value;
  for (const auto& [name, milliseconds] : r.phases) line["phases_ms"][name] = milliseconds;
  metrics_->write(json_text(line) + "\n");
  std::vector<std::pair<std::string, double>> figures = {{"train/loss", r.loss},
                                                         {"train/lr", r.lr},
                                                         {"train/gradient_norm", r.gradient_norm},
                                                         {"speed/pairs_per_s", r.pairs_per_s},
                                                         {"speed/data_wait", r.data_wait}};
  for (const auto& [name, value] : r.more) figures.emplace_back("train/" + name, value);
  for (const auto& [name, milliseconds] : r.phases) figures.emplace_back("phases_ms/" + name, milliseconds);
  events().scalars(r.step, figures);
  if (const auto use = (*meter_)()) {
    ordered_json used = {{"step", r.step}, {"epoch", r.epoch}};
    for (const auto& [name, value] : *use) used[name] = value;
    measure(*usage_, "system", used);
  }
}

void RunDirectory::monitor(const ordered_json& line) {
  if (monitor_) measure(*monitor_, "monitor", line);
}

void RunDirectory::measure(AppendFile& file, const std::string& group, const ordered_json& line) {
  file.write(json_text(line) + "\n");
  std::vector<std::pair<std::string, double>> figures;
  for (const auto& [name, value] : line.items())
    if (name != "step" && name != "epoch")
      figures.emplace_back(engine::concat_text(group, '/', name), value.get<double>());
  events().scalars(line.at("step"), figures);
}

EventFile& RunDirectory::events() {
  if (!events_) events_ = std::make_unique<EventFile>(path_, resume_step_);
  return *events_;
}

void RunDirectory::sync() {
  if (log_) log_->sync();
  for (auto* file : {&metrics_, &monitor_, &usage_})
    if (*file) (*file)->sync();
  if (events_) events_->sync();
}

RunLock lock_run(const std::string& run) {
  const std::string log = log_path(run);
  std::error_code none;
  const bool there = std::filesystem::exists(log, none), made = access(run.c_str(), W_OK) == 0;
  if (there ? access(log.c_str(), W_OK) != 0 : !made || checkpoints(run).empty()) return nullptr;
  return locked(run);
}

RunLock claim(const std::string& run, RunLock lock) {
  if (!lock) lock = locked(run);
  engine::remove_temporary_files(run);
  engine::remove_temporary_files(run + "/checkpoints");
  return lock;
}

std::string result_path(const std::string& run) { return run + "/training.json"; }
std::string test_split_path(const std::string& run) { return run + "/test_split.txt"; }

PretrainOptions read_run_options(const std::string& run) {
  const std::string config = run + "/config.toml";
  if (!std::filesystem::exists(config))
    throw UsageError("--run " + run + ": there is no " + config +
                     ": expected a folder that pretrain has filled");
  PretrainOptions o;
  apply_config(config, "pretrain", fields(o));
  return o;
}

std::vector<StepRecord> read_metrics(const std::string& run) {
  std::vector<StepRecord> records;
  for (const ordered_json& j : read_lines(run + "/metrics.jsonl")) {
    const auto figure = [&j](const char* key) {  // null: not finite
      const auto found = j.find(key);
      return found != j.end() && found->is_number() ? found->get<double>() : std::nan("");
    };
    StepRecord& r = records.emplace_back(StepRecord{.step = j["step"].get<long>(),
                                                    .epoch = figure("epoch"),
                                                    .loss = figure("loss"),
                                                    .lr = figure("lr"),
                                                    .gradient_norm = figure("gradient_norm"),
                                                    .pairs_per_s = figure("pairs_per_s"),
                                                    .data_wait = figure("data_wait")});
    if (const auto phases = j.find("phases_ms"); phases != j.end())
      for (const auto& [name, value] : phases->items()) r.phases.emplace_back(name, value.get<double>());
  }
  return records;
}

std::vector<ordered_json> read_monitor(const std::string& run) {
  const std::string path = run + "/monitor.jsonl";
  return std::filesystem::exists(path) ? read_lines(path) : std::vector<ordered_json>();
}

void write_text(const std::string& path, const std::string& text) {
  if (path == "-") return write_to_stdout(text);
  engine::write_file_atomically(path, text);
}

void write_json(const std::string& path, const ordered_json& json, int indent) {
  write_text(path, json_text(json, indent) + "\n");
}

}  // namespace apps
