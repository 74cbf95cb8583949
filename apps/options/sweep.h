// Commands over many runs: `dyad sweep` and `dyad compare`.
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

struct CompareOptions {
  List runs;  // folders of runs, or of sweeps
  std::string html, json;
};

Fields fields(SweepOptions&);
Fields fields(CompareOptions&);

}  // namespace apps
