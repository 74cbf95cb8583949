// A sweep as a job of Slurm.
#pragma once

#include <string>
#include <vector>

#include "apps/sweep/tasks.h"

namespace apps {

// A script for sbatch: an array with one task of Slurm for each of these, which appends to the same
// sweep.log. folder: from which relative paths are meant.
std::string slurm_script(const std::vector<Task>&, const std::string& folder);

}  // namespace apps
