#include <iostream>

#include "apps/cli.h"

int main(int argc, char** argv) {
  return apps::run_command_line({argv + 1, argv + argc}, std::cout, std::cerr);
}
