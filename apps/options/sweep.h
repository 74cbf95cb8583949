// Commands over runs that are named by their folders: `dyad sweep`, `dyad compare` and `dyad show`.
#pragma once

#include <string>

#include "apps/options/fields.h"

namespace apps {

struct SweepOptions {
  std::string data, config, out;
  List vary;
  int seeds = 1;
  List pretrain;  // words: options of `dyad pretrain` that all cells have
  bool floors = false;
  bool no_eval = false;
  std::string label_file;  // of the evaluations
  int jobs = 1;
  bool dry_run = false;
  std::string slurm;
};

struct ShowOptions {
  List what;  // a run or a checkpoint
  bool tensors = false;
  std::string json;
};

struct CompareOptions {
  List runs;  // folders of runs, or of sweeps
  std::string html, json;
};

Fields fields(SweepOptions&);
Fields fields(CompareOptions&);
Fields fields(ShowOptions&);

}  // namespace apps
