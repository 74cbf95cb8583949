#include <cstdio>
#include <iostream>

#include "apps/cli/cli.h"
#include "apps/system/exit_code.h"

int main(int argc, char** argv) {
  const int code = apps::run_command_line({argv + 1, argv + argc}, std::cout, std::cerr);
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return code;
  std::fputs("dyad: stdout: not all of it could be written\n", stderr);
  return code == apps::kOk ? apps::kFailed : code;
}
