// The folder of one run:
//   config.toml    the effective configuration, which `dyad pretrain --config` can read
//   env.json       machine, versions and command line
//   test_split.txt  the images that --split-from keeps for the test
//   train.log      messages with their time
//   metrics.jsonl  one line per step
//   monitor.jsonl  one line per epoch: measures of the embeddings
//   usage.jsonl    memory and CPU, one line per ten seconds
//   events.out.tfevents.*   the figures of all three for TensorBoard, one file per start
//   state.json     how far the training is (run_state.h)
//   checkpoints/   step-00000123.safetensors
//   report.html
//   training.json  the result, once the training is finished
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/options/options.h"
#include "apps/run/append_file.h"
#include "apps/run/event_file.h"
#include "apps/system/usage.h"

namespace apps {

// One line of metrics.jsonl.
struct StepRecord {
  long step = 0;     // done so far, including this one
  double epoch = 0;  // done so far
  double loss = 0, lr = 0;
  double gradient_norm = 0;
  double pairs_per_s = 0;
  double seconds = 0;                                       // of the step
  double data_wait = 0;                                     // fraction of the step spent waiting for images
  std::vector<std::pair<std::string, double>> phases = {};  // milliseconds, in order of running
  std::vector<std::pair<std::string, double>> more = {};    // other figures of the step
};

// The run's train.log, open and locked for this process alone until it is closed.
using RunLock = std::unique_ptr<AppendFile>;
// Locks a run that exists, before anything in it is read that another process could change. None if nothing
// is there to be locked, or if it can't be written. UsageError if another process has it.
RunLock lock_run(const std::string& run);

class RunDirectory {
 public:
  // Makes the folder, or opens an existing one to continue its run after `resume_step` steps; later lines of
  // metrics.jsonl are dropped. UsageError if resume_step is 0 and the run has checkpoints, or if another
  // process writes to the folder. Ranks other than the first have a RunDirectory that writes nothing.
  // lock: what lock_run() has returned; if it is none, the folder is locked here.
  RunDirectory(const PretrainOptions& resolved, long resume_step, bool writes = true, RunLock lock = nullptr);
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  void log(const std::string& line);            // to train.log, with the time
  void record(const StepRecord&);               // to metrics.jsonl; from time to time to usage.jsonl
  void monitor(const nlohmann::ordered_json&);  // a line with its "step", to monitor.jsonl
  void sync();  // returns when these files are on the disk; called before a checkpoint is written

  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
  RunLock log_;
  std::optional<AppendFile> metrics_, monitor_, usage_;
  std::optional<UsageMeter> meter_;
  long resume_step_ = 0;
  std::unique_ptr<EventFile> events_;  // made at the first write

  EventFile& events();
  void measure(AppendFile&, const std::string& group, const nlohmann::ordered_json& line);
};

// Locks the run for this process, unless it has the lock already, and deletes what killed processes have left
// half-written. UsageError if another process has it.
RunLock claim(const std::string& run, RunLock);
std::string result_path(const std::string& run);  // RUN/training.json
std::string test_split_path(const std::string& run);

// The options in config.toml of a run.
PretrainOptions read_run_options(const std::string& run);
std::vector<StepRecord> read_metrics(const std::string& run);  // without `more`
std::vector<nlohmann::ordered_json> read_monitor(const std::string& run);
void write_text(const std::string& path, const std::string& text);  // atomically; "-": stdout
void write_json(const std::string& path, const nlohmann::ordered_json&, int indent = 1);  // -1: one line

// A line at the end of RUN/train.log, with its time, when no RunDirectory is open any more.
void append_to_log(const std::string& run, const std::string& line);

}  // namespace apps
