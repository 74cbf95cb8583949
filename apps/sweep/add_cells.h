// Writes the cells of a sweep into its folder's sweep.json.
#pragma once

#include <string>

#include "apps/sweep/plan.h"

namespace apps {

// Adds this sweep's cells, and replaces the file. UsageError if options that all cells share and that change
// the result differ from those of the cells that are there. Returns a line about these cells; "" if there are
// none.
std::string add_to_sweep_file(const SweepPlan&);

}  // namespace apps
