#include "apps/evaluation/class_names.h"

#include <set>
#include <sstream>

#include "data/files.h"
#include "engine/escape.h"
#include "engine/files/text_file.h"

namespace apps {

nlohmann::ordered_json readable_class_names(const std::string& folder,
                                            const std::vector<std::string>& classes) {
  const std::set<std::string> known(classes.begin(), classes.end());
  const std::string blank = " \t\r";
  nlohmann::ordered_json names = nlohmann::ordered_json::object();
  for (const char* file : {"class_names.txt", "LOC_synset_mapping.txt", "words.txt"}) {
    std::istringstream lines(engine::read_text(std::string(folder).append("/").append(file)).bytes);
    for (std::string line; std::getline(lines, line);) {
      const auto end = line.find_first_of(blank), name = line.find_first_not_of(blank, end);
      if (end == std::string::npos || name == std::string::npos) continue;
      const std::string folder_name = data::printable(line.substr(0, end));  // as the classes are
      if (known.count(folder_name) > 0)
        names[folder_name] = engine::shown(line.substr(name, line.find_last_not_of(blank) + 1 - name));
    }
    if (!names.empty()) break;
  }
  return names;
}

}  // namespace apps
