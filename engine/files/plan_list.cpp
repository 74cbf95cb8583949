#include "engine/files/plan_list.h"

#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/files/text_file.h"

namespace engine {

using nlohmann::ordered_json;

PlanList read_plans(const std::string& path) {
  const FileText file = read_text(path);
  require_data(file.read(), path, ": ", file.error);
  try {
    return ordered_json::parse(file.bytes).at("plans").get<PlanList>();
  } catch (const ordered_json::exception& e) {
    throw DataError(path + ": no list of plans: " + e.what());
  }
}

std::string text_of_plans(const PlanList& plans) { return ordered_json{{"plans", plans}}.dump(1) + "\n"; }

}  // namespace engine
