// dyad recipes: the config files of published trainings, and the results to expect of them.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "apps/cli/commands.h"
#include "apps/run/next_commands.h"
#include "apps/run/run_directory.h"
#include "apps/system/shell.h"
#include "engine/error.h"
#include "engine/escape.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// Where this program was installed, or in the tree that it was built in.
std::string folder_of_program() {
  std::error_code none;
  const fs::path program = fs::read_symlink("/proc/self/exe", none);
  for (fs::path above = program.parent_path(); above != above.root_path(); above = above.parent_path())
    for (const char* name : {"share/dyad/recipes", "recipes"})
      if (fs::exists(above / name / "samples-simclr.toml", none)) return (above / name).string();
  throw engine::DataError(
      engine::concat_text("no recipes in share/dyad/recipes or recipes in any folder above ",
                          program.string(), ": name their folder with --folder"));
}

// "# Title", and "# Expected: ..." with the comment lines that continue it.
ordered_json recipe(const fs::path& file) {
  const engine::FileText text = engine::read_text(file.string(), 1 << 20);
  engine::require_data(text.read(), file.string(), ": ", text.error);
  ordered_json found = {
      {"name", file.stem().string()}, {"file", file.string()}, {"title", ""}, {"expected", ""}};
  const std::string key = "Expected: ";
  std::istringstream lines(text.bytes);
  std::string line, expected;
  while (std::getline(lines, line) && line.starts_with("# ")) {
    line = line.substr(2);
    if (found["title"] == "") found["title"] = line.substr(0, line.find_last_not_of(". ") + 1);
    if (!expected.empty())
      expected += " " + line;
    else if (line.starts_with(key))
      expected = line.substr(key.size());
  }
  found["expected"] = expected;
  return found;
}

}  // namespace

int recipes(const RecipesOptions& o) {
  const std::string folder = o.folder.empty() ? folder_of_program() : o.folder;
  engine::require_data(fs::is_directory(folder), folder, ": is not a folder, expected one of config files");
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  engine::require_data(!files.empty(), folder, ": has no config file, expected some NAME.toml");
  std::sort(files.begin(), files.end());
  ordered_json all = ordered_json::array();
  std::size_t longest = 0;
  for (const fs::path& file : files) {
    all.push_back(recipe(file));
    longest = std::max(longest, file.stem().string().size());
  }
  for (const ordered_json& r : all) {
    const auto text = [&](const char* key) { return engine::shown(r.at(key).get<std::string>()); };
    std::printf("%-*s  %s\n", int(longest), text("name").c_str(), text("title").c_str());
    if (!text("expected").empty())
      std::printf("%*s  expected: %s\n", int(longest), "", text("expected").c_str());
  }
  std::printf("\nto use one: %s pretrain --config %s/NAME.toml --data DIR --run RUN\n",
              program_name().c_str(), engine::shown(shell_word(folder)).c_str());
  if (!o.json.empty()) write_json(o.json, {{"folder", folder}, {"recipes", all}});
  return 0;
}

}  // namespace apps
