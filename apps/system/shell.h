// Other programs, run by the shell.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace apps {

std::string quoted(const std::string& text);      // one word of a command, whatever is in it
std::string shell_word(const std::string& text);  // the same, quoted only if it has to be

constexpr int kNotStarted = 127;  // the exit code of become() if there is no such program, as a shell has it
// This process becomes another program, which is looked for as by a shell. words: the program and its
// arguments.
[[noreturn]] void become(std::vector<std::string> words);

int exit_code(int wait_status);  // of a process, as a shell says it: 128 + the signal that ended it

// Ctrl-C while a program ran, which alone hears it.
struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("Ctrl-C") {}
};

bool shell(const std::string& command);  // true if it ended with 0; Interrupted

}  // namespace apps
