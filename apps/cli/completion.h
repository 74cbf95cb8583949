// Scripts that complete dyad's command line in a shell: commands, flags, values with choices, else file
// names.
#pragma once

#include <string>

#include "apps/cli/command_table.h"

namespace apps {

std::string bash_completion(const CommandTable&);
std::string zsh_completion(const CommandTable&);
std::string fish_completion(const CommandTable&);

}  // namespace apps
