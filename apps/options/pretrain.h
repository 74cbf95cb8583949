// The options of `dyad pretrain` in groups. A function takes the groups that it needs; PretrainOptions is all
// of them. The entries (name, help, range, properties) are in pretrain.cpp, group by group.
#pragma once

#include <cstdint>
#include <string>

#include "apps/options/decoding.h"
#include "apps/options/fields.h"
#include "apps/options/views.h"
#include "data/dataset.h"
#include "models/methods/method_options.h"

namespace apps {

// A negative number or "auto" is replaced by resolve(), which derives it from the other options.
struct DataOptions : DecodingOptions {
  std::string data;
  std::string label_file;
  double split_from = 0;
  int threads = 2;
  std::string bad_images = "stop";
  std::string resident = "auto";
  std::string decode = "exact";
};

struct ModelOptions {
  std::string arch = "resnet18";
  std::string stem = "auto";
  double width = 1;
  int head_layers = 2;
  int hidden = -1;
  int out_dim = 128;
  std::string head_norm = "auto";
  std::string dtype = "f32";
};

using models::MethodOptions;

struct ScheduleOptions {
  int batch = 256;
  int epochs = 100;
  long steps = -1;
  double warmup_epochs = -1;
};

struct OptimizerOptions {
  std::string optimizer = "lars";
  std::string lars = "google";
  double lr = -1;
  double weight_decay = -1;
  double momentum = 0.9;
};

struct ProbeOptions {
  long probe_every = 0;
  int probe_images = 5000;
};

struct RunOptions {
  std::string run;
  std::uint64_t seed = 0;
  std::string init_weights;
  std::string expected;
  std::string resume;
  bool discard_newer = false;
  std::string save_every = "1e,10m";
  int keep = 2;
  bool dry_run = false;
  bool verbose = false;
  bool force = false;
  std::string json;
};

struct ExecutionOptions {
  bool graph = false;
  std::string recompute = "auto";
  double bucket = 4;
};

struct DiagnosticOptions {
  long verify_every = 1000;
  bool verify_images = false;
  bool sync = false;
  std::string trace;
};

struct RankOptions {
  std::string device = "cpu";
  int ranks = 1;
  std::string collectives = "auto";
  double timeout = 600;
};

struct PretrainOptions : DataOptions,
                         ModelOptions,
                         MethodOptions,
                         ViewOptions,
                         ScheduleOptions,
                         OptimizerOptions,
                         ProbeOptions,
                         RunOptions,
                         ExecutionOptions,
                         DiagnosticOptions,
                         RankOptions {};

Fields data_fields(DataOptions&);
Fields model_fields(ModelOptions&);
Fields method_fields(MethodOptions&);
Fields schedule_fields(ScheduleOptions&);
Fields optimizer_fields(OptimizerOptions&);
Fields probe_fields(ProbeOptions&);
Fields run_fields(RunOptions&);
Fields execution_fields(ExecutionOptions&);
Fields diagnostic_fields(DiagnosticOptions&);
Fields rank_fields(RankOptions&);
Fields fields(PretrainOptions&);

// Entries that `dyad steps` and `dyad bench step` have too.
Field init_weights_entry(std::string&);
Field drawing_seed_entry(std::uint64_t&);

// Fills the options that are left to choose. The result has no automatic option left, so a config file
// written from it keeps its meaning when defaults change.
void resolve(PretrainOptions&, data::Dataset::Kind);
// `cifar`: the data are 32-pixel CIFAR records, not image files.
void resolve(PretrainOptions&, bool cifar);

}  // namespace apps
