#include "apps/report/report_embeddings.h"

#include <cmath>
#include <sstream>

#include "apps/report/chart.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

struct Curve {
  std::string title, y_label;
  const char* key;
  std::string name = {};
  const char* other = nullptr;
  std::string other_name = {};
  double factor = 1;
};

// "" if no line has a value.
std::string curve(const std::vector<ordered_json>& lines, const Curve& c) {
  LineChart chart{.title = c.title, .x_label = "epoch", .y_label = c.y_label, .x = {}, .y = {}};
  chart.name = c.name;
  chart.other_name = c.other_name;
  for (const auto& line : lines) {
    const auto value = [&](const char* key) {
      return key != nullptr && line.contains(key) && line[key].is_number()
                 ? c.factor * line[key].get<double>()
                 : std::nan("");
    };
    if (std::isnan(value(c.key))) continue;
    chart.x.push_back(line.value("epoch", 0.0));
    chart.y.push_back(value(c.key));
    if (c.other != nullptr) chart.other.push_back(value(c.other));
  }
  return chart.x.empty() ? "" : svg(chart);
}

}  // namespace

std::string monitor_section(const std::vector<ordered_json>& lines) {
  const std::vector<Curve> curves = {
      {"Probe accuracy", "%", "probe_linear", "linear classifier", "probe_knn", "nearest neighbours", 100},
      {"Effective rank", "directions", "rank_features", "features", "rank_embeddings", "embeddings"},
      {"Alignment: distance of two views of an image (lower is better)", "", "alignment"},
      {"Uniformity: nearness of all images (lower is more even)", "", "uniformity"},
  };
  std::string drawn;
  for (const Curve& c : curves) drawn += curve(lines, c);
  if (drawn.empty()) return "";
  return "<h2>Embeddings over time</h2>\n<p class=\"quiet\">Measured after each epoch on images of the "
         "training "
         "set, with the encoder as it is used later. The probe classifies held-out training images; the test "
         "set is not looked at while training.</p>\n<div class=\"charts\">" +
         drawn + "</div>\n";
}

std::string map_section(const std::optional<ordered_json>& map) {
  if (!map) return "";
  Scatter scatter{.title = {}, .points = {}, .labels = {}, .classes = map->at("classes")};
  for (const auto& p : map->at("points")) {
    scatter.points.push_back({p.at(0).get<double>(), p.at(1).get<double>()});
    scatter.labels.push_back(p.at(2).get<int>());
  }
  const double part = map->at("explained").at(0).get<double>() + map->at("explained").at(1).get<double>();
  scatter.title = compact(double(scatter.points.size())) + " test images; " +
                  compact(std::round(100 * part)) + " % of the features' variance lies in this plane";
  return "<h2>Map of the features</h2>\n<p class=\"quiet\">Each test image on the plane of the first two "
         "principal components of its features, coloured by its class. No label was used to lay it "
         "out.</p>\n" +
         svg(scatter);
}

}  // namespace apps
