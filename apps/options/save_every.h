// When a training writes checkpoints: the value of --save-every.
#pragma once

#include <string>

namespace apps {

// 0: not counted in this unit. All 0: only at the end.
struct SaveEvery {
  long steps = 0, epochs = 0, minutes = 0;
};

// "500" steps, "1e" epochs, "10m" minutes or "2h" hours; several with commas between them, of which the one
// that is due first counts; "0" or "end": only at the end. A text that isn't one of these gives {}.
SaveEvery save_every(const std::string& text);
// What is wrong with the text, or "".
std::string wrong_save_every(const std::string& text);

}  // namespace apps
