#pragma once

#include <exception>
#include <string>

namespace apps {

// What the program ends with (sysexits.h, where it has a name for it).
enum ExitCode { kOk = 0, kFailed = 1, kUsage = 2, kBadData = 65, kTryAgain = 75, kInterrupted = 130 };

// The code that tells of an error which ends the program.
ExitCode exit_code_of(const std::exception&);
// Its text on one line.
std::string message_of(const std::exception&);

}  // namespace apps
