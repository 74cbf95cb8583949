#include "apps/system/shell.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "engine/escape.h"

namespace apps {

std::string quoted(const std::string& text) {
  std::string q = "'";
  for (const char c : text) q += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return q + "'";
}

std::string shell_word(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::strchr("/._-+=:,@%", c) != nullptr;
  });
  if (plain || engine::shown(text) == text) return plain ? text : quoted(text);
  std::string word = "$'";  // bash's: \xNN is a byte
  for (const char c : text) word += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return engine::shown(word) + "'";
}

void become(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& w : words) pointers.push_back(w.data());
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  _exit(kNotStarted);
}

int exit_code(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

bool shell(const std::string& command) {
  std::fflush(stdout);
  const int code = exit_code(std::system(command.c_str()));
  if (code == 128 + SIGINT) throw Interrupted();
  return code == 0;
}

}  // namespace apps
