// Other programs, run by the shell.
#pragma once

#include <stdexcept>
#include <string>

namespace apps {

std::string quoted(const std::string& text);      // one word of a command, whatever is in it
std::string shell_word(const std::string& text);  // the same, quoted only if it has to be

int exit_code(int wait_status);  // of a process, as a shell says it: 128 + the signal that ended it

// Ctrl-C while a program ran, which alone hears it.
struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("Ctrl-C") {}
};

bool shell(const std::string& command);  // true if it ended with 0; Interrupted

}  // namespace apps
