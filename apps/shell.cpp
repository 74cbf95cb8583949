#include "apps/shell.h"

#include <sys/wait.h>

#include <csignal>
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
  const int status = std::system(command.c_str());
  if ((WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) ||
      (WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGINT))  // what a shell says of it
    throw Interrupted();
  return status == 0;
}

}  // namespace apps
