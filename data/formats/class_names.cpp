#include "data/formats/class_names.h"

#include <sstream>

#include "data/files.h"
#include "engine/error.h"

namespace data {

std::vector<std::string> class_names(const std::filesystem::path& file, int classes, int first) {
  std::vector<std::string> names;
  if (!std::filesystem::exists(file)) {
    for (int label = 0; label < classes; ++label) names.push_back(std::to_string(first + label));
    return names;
  }
  const std::vector<std::uint8_t> bytes = read_bytes(file);
  std::istringstream text(std::string(bytes.begin(), bytes.end()));
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) names.push_back(printable(line));
  }
  engine::require_data(int(names.size()) == classes, printable(file), " names ",
                       counted(double(names.size()), "class"), ", expected ", classes);
  return names;
}

}  // namespace data
