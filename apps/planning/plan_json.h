// --dry-run --json: the plan of a training for a script.
#pragma once

#include <nlohmann/json.hpp>

#include "apps/planning/memory_need.h"
#include "apps/training/plan.h"

namespace apps {

// Options, images, steps, number of parameters, and about how many bytes they need.
nlohmann::ordered_json plan_json(const PretrainOptions&, const Plan&, const data::Dataset&,
                                 const models::Method&, const MemoryNeed&);

}  // namespace apps
