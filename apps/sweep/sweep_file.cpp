#include "apps/sweep/sweep_file.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "engine/error.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

// Throws json's exceptions where it isn't what a sweep writes.
SweepFile contents_of(ordered_json j) {
  SweepFile file;
  for (const auto& cell : j.at("cells")) {
    file.cells.push_back(cell.at("name"));
    for (const auto& [option, value] : cell.at("options").items())
      if (std::find(file.varied.begin(), file.varied.end(), option) == file.varied.end())
        file.varied.push_back(option);
  }
  (void)j.at("shared").get<std::map<std::string, std::string>>();
  (void)j.at("sweeps").get<std::vector<ordered_json>>();
  file.json = std::move(j);
  return file;
}

}  // namespace

std::string sweep_file_path(const std::string& folder) { return folder + "/sweep.json"; }

bool is_sweep(const std::string& folder) { return std::filesystem::exists(sweep_file_path(folder)); }

SweepFile read_sweep_file(const std::string& folder) {
  const std::string path = sweep_file_path(folder);
  const engine::FileText in = engine::read_text(path);
  engine::require_data(in.read(), path, ": ", in.error, ", expected what dyad sweep writes");
  try {
    return contents_of(ordered_json::parse(in.bytes));
  } catch (const ordered_json::exception& e) {
    throw engine::DataError(path + ": " + e.what() + ", expected what dyad sweep writes");
  }
}

}  // namespace apps
