// The command line of `dyad`.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace apps {

// Runs one command line (without the program's name). Help and the version go to `out`; an error goes to
// `err`, in one line "dyad COMMAND: ...". Returns the exit code (apps/system/exit_code.h).
int run_command_line(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err);

}  // namespace apps
