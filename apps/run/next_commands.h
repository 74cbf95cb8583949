// The command lines that a user needs after a training or to continue it, complete and ready to be copied.
#pragma once

#include <string>
#include <utility>

#include "apps/options/options.h"

namespace apps {

// The name by which this program was started, as a word of a shell's command.
std::string program_name();

using NextCommand = std::pair<std::string, std::string>;  // {"evaluate", "dyad eval --data ..."}
// launch: what has started its ranks (apps/ranks: launch_text())
NextCommand continue_command(const PretrainOptions&, const std::string& launch);
NextCommand evaluate_command(const PretrainOptions&);
NextCommand export_command(const PretrainOptions&);
NextCommand embed_command(const PretrainOptions&);  // of the training's images

}  // namespace apps
