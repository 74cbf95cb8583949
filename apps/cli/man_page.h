// The man page dyad(1).
#pragma once

#include <string>

#include "apps/cli/command_table.h"

namespace apps {

std::string man_page(const CommandTable&);

}  // namespace apps
