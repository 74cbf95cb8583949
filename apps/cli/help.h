// The texts of `--help`, at most 100 columns wide.
#pragma once

#include <string>

#include "apps/cli/command_table.h"

namespace apps {

std::string help_of(const Command&);
std::string help_of(const CommandTable&, const std::string& group = "");  // "": of all commands

// The default value; "" for a switch.
std::string default_of(const Field&);
// The headings of a list of fields, each once, in order of appearance.
std::vector<std::string> headings_of(const Fields&);

}  // namespace apps
