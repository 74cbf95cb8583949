// The folder of one run:
//   config.toml    the effective configuration; `dyad pretrain --config` reads it back to the same
//   env.json       machine, versions and command line
//   train.log      what was said, with the time
//   metrics.jsonl  one line a step
//   monitor.jsonl  one line an epoch: what the embeddings are like
//   events.out.tfevents.*   the figures of both for TensorBoard, a file a start
//   checkpoints/   step-00000123.safetensors
//   report.html
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

namespace apps {

// One line of metrics.jsonl.
struct StepRecord {
  long step = 0;     // done so far, this one too
  double epoch = 0;  // done so far
  double loss = 0, lr = 0;
  double gradient_norm = 0;
  double pairs_per_s = 0;
  double data_wait = 0;  // part of the step spent waiting for images, 0 to 1
  std::vector<std::pair<std::string, double>> phases = {};  // milliseconds, in order of running
  std::vector<std::pair<std::string, double>> more = {};    // other figures of the step
};

class RunDirectory {
 public:
  // Makes the folder, or opens an existing one to go on with its run after `resume_step` steps: later lines
  // of metrics.jsonl are dropped. Refuses a folder whose run has checkpoints if resume_step is 0, and one
  // that another process is writing to. Ranks other than the first have one too, which writes nothing.
  RunDirectory(const PretrainOptions& resolved, long resume_step, bool writes = true);
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  void log(const std::string& line);            // to train.log, with the time
  void record(const StepRecord&);               // to metrics.jsonl
  void monitor(const nlohmann::ordered_json&);  // a line with its "step", to monitor.jsonl
  void sync();  // these files are on the disk when it returns: before a checkpoint

  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
  std::optional<AppendFile> log_, metrics_, monitor_;
  long resume_step_ = 0;
  std::unique_ptr<EventFile> events_;  // made when there is something to write

  EventFile& events();
};

// What config.toml of a run says.
PretrainOptions read_run_options(const std::string& run);
std::vector<StepRecord> read_metrics(const std::string& run);  // without `more`
std::vector<nlohmann::ordered_json> read_monitor(const std::string& run);
void write_text(const std::string& path, const std::string& text);  // atomically
void write_json(const std::string& path, const nlohmann::ordered_json&);

}  // namespace apps
