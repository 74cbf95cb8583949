#include "apps/system/terminal.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <cstdlib>

namespace apps {

std::size_t terminal_columns(std::FILE* file) {
  winsize size{};
  long columns = 0;
  if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0) columns = size.ws_col;  // 0: not set, as under mpirun
  const char* variable = std::getenv("COLUMNS");
  if (columns == 0 && variable != nullptr) columns = std::strtol(variable, nullptr, 10);
  return columns > 0 ? std::size_t(std::clamp(columns, 2L, 1000L)) : 80;
}

}  // namespace apps
