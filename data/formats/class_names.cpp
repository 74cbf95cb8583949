#include "data/formats/class_names.h"

#include <sstream>

#include "data/files.h"
#include "engine/error.h"
#include "engine/files/text_file.h"

namespace data {

std::vector<std::string> class_names(const std::filesystem::path& file, int classes, int first) {
  std::vector<std::string> names;
  if (!std::filesystem::exists(file)) {
    for (int label = 0; label < classes; ++label) names.push_back(std::to_string(first + label));
    return names;
  }
  constexpr std::size_t most_bytes = 1 << 20;
  const engine::FileText bytes = engine::read_text(file.string(), most_bytes);
  engine::require_data(bytes.read(), printable(file), ": ", bytes.error, ", expected names of classes");
  std::istringstream text(bytes.bytes);
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) names.push_back(printable(line));
  }
  engine::require_data(int(names.size()) == classes, printable(file), " names ",
                       counted(double(names.size()), "class"), ", expected ", classes);
  return names;
}

}  // namespace data
