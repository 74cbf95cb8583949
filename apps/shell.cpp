#include "apps/shell.h"

#include <cstdio>
#include <cstdlib>

namespace apps {

std::string quoted(const std::string& text) {
  std::string q = "'";
  for (const char c : text) q += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return q + "'";
}

bool shell(const std::string& command) {
  std::fflush(stdout);
  return std::system(command.c_str()) == 0;
}

}  // namespace apps
