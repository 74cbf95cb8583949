// The parts of report.html about the embeddings.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace apps {

// Of the lines of monitor.jsonl: probe accuracy, effective rank, alignment and uniformity over the epochs.
std::string monitor_section(const std::vector<nlohmann::ordered_json>& lines);

// Of map.json: test images on the plane of their features' principal components, coloured by class.
std::string map_section(const std::optional<nlohmann::ordered_json>& map);

}  // namespace apps
