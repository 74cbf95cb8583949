#include "apps/evaluation/retrieval_protocol.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <map>

#include "data/files.h"
#include "data/subset.h"
#include "engine/error.h"
#include "engine/escape.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

using engine::concat_text;
using engine::DataError;
using engine::require_data;
using nlohmann::ordered_json;

const char* kExpected = "expected {\"queries\": [{\"image\": NAME, \"easy\": [NAME, ...], ...}]}";

// Images by the names that a protocol may use for them.
class ImageNames {
 public:
  explicit ImageNames(const data::Dataset& images) {
    for (std::size_t i = 0; i < images.size(); ++i) {
      const std::filesystem::path entry = images.entry(i);
      for (const std::string& name :
           {entry.string(), entry.filename().string(), entry.filename().stem().string()}) {
        const auto [found, added] = by_name_.emplace(name, i);
        if (!added && found->second != i) found->second = kSeveral;
      }
    }
  }
  std::size_t find(const std::string& name) const {
    const auto found = by_name_.find(name);
    require_data(found != by_name_.end(), "there is no image ", engine::shown(name));
    require_data(found->second != kSeveral, "several images are named ", engine::shown(name),
                 ", expected CLASS/FILE");
    return found->second;
  }

 private:
  static constexpr std::size_t kSeveral = std::numeric_limits<std::size_t>::max();
  std::map<std::string, std::size_t> by_name_;
};

std::vector<std::string> texts_at(const ordered_json& object, const char* key) {
  std::vector<std::string> all;
  const auto found = object.find(key);
  if (found == object.end()) return all;
  require_data(found->is_array(), key, " is no list of names");
  for (const ordered_json& one : *found) {
    require_data(one.is_string(), key, " has ", one.dump(), ", expected a name");
    all.push_back(one.get<std::string>());
  }
  return all;
}

std::optional<std::array<double, 4>> box_of(const ordered_json& query) {
  const auto found = query.find("box");
  if (found == query.end()) return std::nullopt;
  std::array<double, 4> box = {};
  bool ok = found->is_array() && found->size() == 4;
  for (std::size_t i = 0; ok && i < 4; ++i) {
    ok = (*found)[i].is_number();
    if (ok) box[i] = (*found)[i].get<double>();
  }
  require_data(ok && box[0] < box[2] && box[1] < box[3], "box is ", found->dump(),
               ", expected [left, top, right, bottom]");
  return box;
}

Protocol parsed_protocol(const ordered_json& file, const data::Dataset& images) {
  require_data(
      file.is_object() && file.contains("queries") && file["queries"].is_array() && !file["queries"].empty(),
      "has no queries, ", kExpected);
  const ImageNames names(images);
  Protocol p;
  std::vector<bool> asked(images.size(), false);
  for (std::size_t q = 0; q < file["queries"].size(); ++q) {
    const ordered_json& query = file["queries"][q];
    require_data(query.is_object() && query.contains("image") && query["image"].is_string(), "query ", q + 1,
                 " has no image, ", kExpected);
    try {
      p.queries.push_back({.image = names.find(query["image"].get<std::string>()), .box = box_of(query)});
    } catch (const DataError& e) {
      throw DataError(concat_text("query ", q + 1, ": ", e.what()));
    }
    asked[p.queries.back().image] = true;
  }
  const bool listed = file.contains("database");
  for (const std::string& name : texts_at(file, "database")) p.database.push_back(names.find(name));
  for (std::size_t i = 0; i < images.size() && !listed; ++i)
    if (!asked[i]) p.database.push_back(i);
  std::vector<std::int32_t> row_of(images.size(), -1);
  for (std::size_t row = 0; row < p.database.size(); ++row) {
    std::int32_t& place = row_of[p.database[row]];
    require_data(place < 0, "database lists ", images.entry(p.database[row]), " twice");
    place = std::int32_t(row);
  }
  require_data(!p.database.empty(), "leaves no image to search in: every image is a query");

  for (std::size_t q = 0; q < p.queries.size(); ++q) {
    ProtocolQuery& query = p.queries[q];
    std::map<std::int32_t, const char*> seen;
    for (const auto& [key, rows] :
         {std::pair("easy", &query.easy), {"hard", &query.hard}, {"junk", &query.junk}})
      try {
        for (const std::string& name : texts_at(file["queries"][q], key)) {
          const std::int32_t row = row_of[names.find(name)];
          require_data(row >= 0, key, " has ", engine::shown(name), ", which is not in the database");
          const auto [other, added] = seen.emplace(row, key);
          require_data(added, engine::shown(name), " is listed as ", other->second, " and as ", key);
          rows->push_back(row);
        }
      } catch (const DataError& e) {
        throw DataError(
            concat_text("query ", q + 1, " (", engine::shown(images.entry(query.image)), "): ", e.what()));
      }
    // a query that is in the database as well would always find itself
    if (const std::int32_t own = row_of[query.image]; own >= 0 && !seen.contains(own))
      query.junk.push_back(own);
  }
  return p;
}

// Queries, each cut to its box as PIL's crop() does: ends are rounded, half to even.
class Queries final : public data::Dataset {
 public:
  Queries(std::unique_ptr<data::Dataset> whole, std::shared_ptr<const Protocol> protocol)
      : whole_(std::move(whole)), protocol_(std::move(protocol)) {}

  std::size_t size() const override { return protocol_->queries.size(); }
  const std::vector<std::string>& classes() const override { return whole_->classes(); }
  int label(std::size_t i) const override { return whole_->label(image_of(i)); }
  std::string name(std::size_t i) const override { return whole_->name(image_of(i)); }
  std::string entry(std::size_t i) const override { return whole_->entry(image_of(i)); }
  std::string title() const override { return whole_->title(); }
  void decode_as(const data::DecodeOptions& o) const override {
    data::DecodeOptions whole_size = o;
    whole_size.shrink = 0;  // boxes are in pixels of the whole image
    whole_->decode_as(whole_size);
  }
  std::vector<std::string> decoding_notes() const override { return whole_->decoding_notes(); }
  void read(std::size_t i, data::Image& into) const override {
    const auto& box = protocol_->queries[inside(i)].box;
    whole_->read(image_of(i), into);
    if (!box) return;
    const auto end = [](double at, int most) { return std::clamp(int(std::nearbyint(at)), 0, most); };
    const int left = end((*box)[0], into.width), top = end((*box)[1], into.height);
    const int right = end((*box)[2], into.width), bottom = end((*box)[3], into.height);
    require_data(left < right && top < bottom, name(i), ": the box of the query lies outside of its ",
                 into.width, " x ", into.height, " pixels");
    data::Image part = into;
    part.width = right - left, part.height = bottom - top;
    part.pixels.clear();
    for (int y = top; y < bottom; ++y) {
      const auto* row = &into.pixels[std::size_t(y) * std::size_t(into.width) * 3];
      part.pixels.insert(part.pixels.end(), row + left * 3, row + right * 3);
    }
    into = std::move(part);
  }

 private:
  std::size_t image_of(std::size_t i) const { return protocol_->queries.at(i).image; }
  std::unique_ptr<data::Dataset> whole_;
  std::shared_ptr<const Protocol> protocol_;
};

constexpr std::array<const char*, 3> kTasks = {"easy", "medium", "hard"};

std::vector<std::int32_t> both(std::vector<std::int32_t> a, const std::vector<std::int32_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

Protocol read_protocol(const std::string& file, const data::Dataset& images) {
  const engine::FileText text = engine::read_text(file, std::size_t(1) << 30);
  require_data(text.read(), file, ": ", text.error, ", ", kExpected);
  const ordered_json json = ordered_json::parse(text.bytes, nullptr, false);
  require_data(!json.is_discarded(), file, " is no JSON, ", kExpected);
  try {
    return parsed_protocol(json, images);
  } catch (const DataError& e) {
    throw DataError(concat_text(file, ": ", e.what()));
  }
}

ImageSource protocol_images(const std::string& file, std::shared_ptr<const Protocol>& read) {
  const auto all = [](const Evaluation& e) { return data::open_dataset(e.data, data::Split::pretrain); };
  return {.known =
              [=, &read](const Evaluation& e, const PretrainOptions&) {
                auto images = all(e);
                read = std::make_shared<const Protocol>(read_protocol(file, *images));
                return std::make_unique<data::Subset>(std::move(images), read->database,
                                                      "the database of " + file);
              },
          .asked = [=, &read](const Evaluation& e,
                              const PretrainOptions&) { return std::make_unique<Queries>(all(e), read); },
          .labelled = false};
}

void ProtocolRetrieval::add(const FeatureRow& row) {
  if (!row.wrong.empty()) return table_.add_reason(row.key, row.title, row.wrong);
  std::vector<std::array<models::Ranks, kTasks.size()>> ranks(protocol_.queries.size());
  models::rank_rows(
      row.known.values, row.asked.values,
      [&](std::int64_t query) {
        const ProtocolQuery& q = protocol_.queries[std::size_t(query)];
        return std::vector<models::Sought>{
            {q.easy, both(q.junk, q.hard)}, {both(q.easy, q.hard), q.junk}, {q.hard, both(q.junk, q.easy)}};
      },
      [&](std::int64_t query, std::size_t task, const models::Ranks& found) {
        ranks[std::size_t(query)][task] = found;
      });
  FigureTable::Figures figures;
  for (std::size_t task = 0; task < kTasks.size(); ++task) {
    std::array<double, 4> sums = {};
    counted_[task] = 0;
    for (const auto& of_query : ranks) {
      const models::Ranks& r = of_query[task];
      if (r.empty()) continue;
      ++counted_[task];
      sums[0] += models::trapezoidal_average_precision(r);
      for (const auto& [place, k] : {std::pair(1, 1), {2, 5}, {3, 10}})
        sums[std::size_t(place)] += models::bounded_precision_at(r, k);
    }
    const std::array<const char*, 4> names = {"mAP", "mP@1", "mP@5", "mP@10"};
    for (std::size_t i = 0; i < names.size(); ++i)
      figures.emplace_back(concat_text(kTasks[task], " ", names[i]),
                           counted_[task] > 0 ? sums[i] / double(counted_[task]) : std::nan(""));
  }
  table_.add(row.key, row.title, figures);
}

void ProtocolRetrieval::print() const {
  std::printf("retrieval: %zu queries of %s in %s\n", protocol_.queries.size(), engine::shown(file_).c_str(),
              data::counted(double(protocol_.database.size()), "image").c_str());
  table_.print();
  for (std::size_t task = 0; task < kTasks.size(); ++task)
    if (const auto none = std::int64_t(protocol_.queries.size()) - counted_[task]; none > 0)
      std::printf("note: %s: no image to find for %s, which don't count\n", kTasks[task],
                  data::counted(double(none), "query image").c_str());
  for (const char* figure : {"medium mAP", "hard mAP"})
    if (const std::string line = table_.below_floors(figure); !line.empty())
      std::printf("%s\n", line.c_str());
}

ordered_json ProtocolRetrieval::result() const {
  ordered_json j = {{"database", "protocol"}, {"protocol", file_}};
  for (std::size_t task = 0; task < kTasks.size(); ++task) j["queries"][kTasks[task]] = counted_[task];
  j.update(table_.result());
  return j;
}

}  // namespace apps
