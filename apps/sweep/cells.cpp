#include "apps/sweep/cells.h"

#include <algorithm>
#include <cctype>
#include <climits>
#include <cstdio>
#include <cstring>

#include "engine/error.h"

namespace apps {
namespace {

std::string in_file_name(const std::string& value) {
  std::string name;
  for (const unsigned char c : value) {
    char text[8] = {char(c), '\0'};
    if (std::isalnum(c) == 0 && (c == '\0' || std::strchr("._-+:", c) == nullptr))
      std::snprintf(text, sizeof text, "%%%02X", unsigned(c));
    name += text;
  }
  return name;
}

}  // namespace

std::string Cell::name() const {
  std::string text;
  for (const auto& [option, value] : options) text += option + "=" + in_file_name(value) + ",";
  return text + "seed=" + std::to_string(seed);
}

std::vector<Cell> expanded(const std::vector<Variation>& variations, int seeds) {
  std::vector<Cell> cells(1);
  for (const Variation& v : variations) {
    std::vector<Cell> more;
    for (const Cell& cell : cells)
      for (const List& values : v.values) {
        more.push_back(cell);
        for (std::size_t i = 0; i < values.size(); ++i)
          more.back().options.emplace_back(v.options[i], values[i]);
      }
    cells = std::move(more);
  }
  std::vector<Cell> all;
  for (const Cell& cell : cells)
    for (int seed = 0; seed < seeds; ++seed) {
      all.push_back({cell.options, std::uint64_t(seed)});
      if (const std::string name = all.back().name(); name.size() > NAME_MAX)
        throw engine::UsageError(engine::concat_text("--vary: the cell ", name.substr(0, 60),
                                                     "... has a name of ", name.size(),
                                                     " characters, expected at most ", NAME_MAX));
    }
  return all;
}

}  // namespace apps
