// What a training leaves at its end, beside its last checkpoint.
#pragma once

#include <nlohmann/json.hpp>

#include "apps/run/checkpoint.h"
#include "apps/run/run_directory.h"
#include "apps/watching/live_report.h"

namespace apps {

// Keeps the result in RUN/training.json for later starts that find nothing left to do. This is the last file
// that a training writes: where it is, the report is too.
void keep_result(const std::string& run, const nlohmann::ordered_json& result);

// For a start that finds all steps of the plan done by this checkpoint: the result of the run. No file is
// changed, unless the process was killed between its last checkpoint and its end: then what is missing is
// made.
nlohmann::ordered_json result_of_finished(const PretrainOptions&, const Plan&, const Checkpoint&, LiveReport&,
                                          RunLock = nullptr);

}  // namespace apps
