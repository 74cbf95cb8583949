#pragma once

#include <cstddef>
#include <cstdio>

namespace apps {

// The present width of the terminal that `file` is, at least 2. Unknown: the variable COLUMNS, or 80.
std::size_t terminal_columns(std::FILE* file);

}  // namespace apps
