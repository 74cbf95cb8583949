#include "apps/curation/curation_page.h"

#include <algorithm>
#include <cmath>
#include <ctime>

#include "apps/evaluation/tsne.h"
#include "apps/report/markup.h"
#include "apps/report/page.h"
#include "apps/system/machine.h"
#include "models/probes/probe_data.h"

namespace apps {

extern const char* const curate_template;  // curate.html, which CMake embeds

namespace {

using nlohmann::ordered_json;

constexpr std::size_t kGroups = 40, kOfGroup = 8, kLeaks = 60, kIsolated = 32, kOfSubset = 48;

std::string name_in(const EmbeddingFile& file, std::int64_t row) { return std::string(file.name(row)); }

const char* key_of(Why why) {
  constexpr const char* keys[kReasons] = {"kept", "listed", "leaked", "duplicate", "outlier"};
  return keys[int(why)];
}

double rounded(double v) { return std::round(1e4 * v) / 1e4; }

// The rows of the map: at most half of it are images that are left out; both kinds are spread over all.
std::vector<std::int64_t> map_rows(const Curation& c, std::size_t most) {
  std::vector<std::int64_t> out, kept, rows;
  for (std::size_t row = 0; row < c.why.size(); ++row)
    (c.why[row] == Why::kept ? kept : out).push_back(std::int64_t(row));
  const std::size_t of_out = std::min(out.size(), most / 2), of_kept = std::min(kept.size(), most - of_out);
  for (std::size_t i = 0; i < of_out; ++i) rows.push_back(out[i * out.size() / of_out]);
  for (std::size_t i = 0; i < of_kept; ++i) rows.push_back(kept[i * kept.size() / of_kept]);
  std::ranges::sort(rows);
  return rows;
}

ordered_json map_json(const CurateOptions& o, const Curation& c, const EmbeddingFile& images) {
  ordered_json points = ordered_json::array();
  const std::vector<std::int64_t> rows = map_rows(c, std::size_t(o.map));
  if (rows.size() < 4) return points;
  const engine::Tensor features = models::rows_of(unit_features(images, engine::cpu), rows);
  const PlanePoints places = tsne(features);
  for (std::size_t i = 0; i < rows.size(); ++i)
    points.push_back({std::round(1000 * places[i][0]) / 1000, std::round(1000 * places[i][1]) / 1000,
                      key_of(c.why[std::size_t(rows[i])]), name_in(images, rows[i])});
  return points;
}

}  // namespace

ordered_json curation_json(const CurateOptions& o, const Curation& c, const EmbeddingFile& images,
                           const EmbeddingFile* against) {
  ordered_json j = {{"command", "curate"}, {"options", ordered_json::object()}};
  CurateOptions copy = o;
  for (const Field& f : fields(copy))
    if (!f.result) j["options"][f.name] = text_of(f);
  j.update(left_out_json(left_out_of(o, c)));
  j["encoder_hash"] = images.about("encoder_hash");
  j["groups"] = ordered_json::array();
  for (const NearGroup& g : c.groups) {
    ordered_json members = ordered_json::array();
    for (std::size_t i = 0; i < g.rows.size(); ++i)
      members.push_back({{"name", name_in(images, g.rows[i])},
                         {"cosine", rounded(g.cosines[i])},
                         {"what", key_of(c.why[std::size_t(g.rows[i])])}});
    j["groups"].push_back(members);
  }
  j["leaks"] = ordered_json::array();
  for (const NearPair& p : c.leaks)
    j["leaks"].push_back(
        {{"name", name_in(images, p.a)}, {"of", name_in(*against, p.b)}, {"cosine", rounded(p.cosine)}});
  j["isolated"] = ordered_json::array();
  for (std::size_t i = 0; i < std::min<std::size_t>(1000, c.isolated.size()); ++i)
    j["isolated"].push_back({{"name", name_in(images, c.isolated[i])},
                             {"distance", rounded(c.distances[std::size_t(c.isolated[i])])},
                             {"what", key_of(c.why[std::size_t(c.isolated[i])])}});
  for (const auto& [threshold, count] : c.at_higher)
    j["at_higher_thresholds"].push_back({{"threshold", threshold}, {"near_duplicates", count}});
  if (o.subset > 0)
    j["subset"] = {{"by", o.by}, {"images", c.subset.rows.size()}, {"radius", rounded(c.subset.radius)}};
  return j;
}

std::string curation_page(const CurateOptions& o, const Curation& c, const EmbeddingFile& images,
                          const EmbeddingFile* against, Thumbnails& pictures, const std::string& summary) {
  ordered_json data = curation_json(o, c, images, against);
  data["counts"] = {{"groups", c.groups.size()}, {"leaks", c.leaks.size()}, {"isolated", c.isolated.size()}};
  const auto shorten = [](ordered_json& list, std::size_t most) {
    if (list.size() > most) list.erase(list.begin() + std::ptrdiff_t(most), list.end());
  };
  shorten(data["groups"], kGroups);
  shorten(data["leaks"], kLeaks);
  shorten(data["isolated"], kIsolated);
  for (std::size_t g = 0; g < data["groups"].size(); ++g) {
    ordered_json& members = data["groups"][g];
    // the image that stays comes first, so that it is among those with a picture
    std::stable_partition(members.begin(), members.end(),
                          [](const ordered_json& m) { return m["what"] == "kept"; });
    const std::size_t all = members.size();
    shorten(members, kOfGroup);
    for (ordered_json& m : members) m["png"] = pictures.of(m["name"]);
    members = {{"images", members}, {"all", all}};
  }
  for (ordered_json& leak : data["leaks"])
    leak["png"] = pictures.of(leak["name"]), leak["of_png"] = pictures.of(leak["of"]);
  for (ordered_json& one : data["isolated"]) one["png"] = pictures.of(one["name"]);
  for (std::size_t i = 0; i < std::min(kOfSubset, c.subset.rows.size()); ++i) {
    const std::string name = name_in(images, c.subset.rows[i]);
    data["subset"]["shown"].push_back({{"name", name}, {"png", pictures.of(name)}});
  }
  data["map"] = map_json(o, c, images);
  data["missing"] = pictures.missing();
  data["version"] = version_text();
  data["written"] = std::time(nullptr);
  return filled(curate_template, {{"summary", escaped(summary)}, {"data", script_safe(data)}});
}

}  // namespace apps
