// The command line of `dyad`.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace apps {

// What a program of ours ends with (sysexits.h, where it has a name for it).
enum ExitCode { kOk = 0, kFailed = 1, kUsage = 2, kBadData = 65, kTryAgain = 75, kInterrupted = 130 };

// Runs one command line (without the program's name). Help and the version go to `out`; what is wrong goes to
// `err`, in one line "dyad COMMAND: ...". Returns the exit code.
int run_command_line(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err);

}  // namespace apps
