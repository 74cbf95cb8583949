// How much memory this process may still get, and has.
#pragma once

#include <string>

namespace apps {

struct FreeMemory {
  double bytes = 0;
  std::string of;  // "this machine", or the control group with the least: "the control group /slurm/job7"
};

// The least of what Linux calls available and what each control group (version 1 or 2) of this process and
// each group above it has left; cached files that can be dropped count as free. root: before /proc and /sys.
FreeMemory free_memory(const std::string& root = "");

double resident_bytes();  // of this process, now

}  // namespace apps
