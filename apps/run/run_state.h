// How far a run is: RUN/state.json. The training writes it, and report.html shows it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace apps {

struct RunState {
  std::string phase = "running";  // "running", "stopped", "failed" or "finished"
  long step = 0, steps = 0;       // done, and of the whole training
  double epoch = 0, epochs = 0;   // the same in epochs
  double seconds_left = -1;       // of a running training; negative: not known
  std::string reason = "";        // why it stopped or failed: "Ctrl-C", an error
  // Command lines that can be copied, with what each does: {"evaluate", "dyad eval ..."}.
  std::vector<std::pair<std::string, std::string>> next = {};

  bool running() const { return phase == "running"; }
};

// In one line: "epoch 3.20 of 12, step 128 of 480, 4:02 left", "stopped after step 128 of 480 (epoch 3.20 of
// 12): Ctrl-C", "finished: 12 epochs, 480 steps".
std::string state_text(const RunState&);

nlohmann::ordered_json state_json(const RunState&);
void write_state(const std::string& run, const RunState&);
// For other processes than the training itself. None: no state.json, or not a valid one. A training that is
// no longer there, although its file says "running", is "stopped".
std::optional<RunState> read_state(const std::string& run);

}  // namespace apps
