// Other programs, run by the shell.
#pragma once

#include <string>

namespace apps {

std::string quoted(const std::string& text);  // one word of a command, whatever is in it
bool shell(const std::string& command);       // true if it ended with 0

}  // namespace apps
