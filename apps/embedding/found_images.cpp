#include "apps/embedding/found_images.h"

#include <cstdio>
#include <filesystem>

#include "apps/evaluation/evaluation_images.h"
#include "apps/evaluation/neighbours.h"
#include "apps/report/markup.h"
#include "apps/report/page.h"
#include "apps/system/machine.h"
#include "data/decode/png.h"
#include "data/formats/image_list.h"
#include "engine/error.h"
#include "engine/escape.h"

namespace apps {

extern const char* const search_template;  // search.html, which CMake embeds

namespace {

using nlohmann::ordered_json;

constexpr int kPicture = 160;  // most pixels of a side

std::string picture_uri(const data::Image& image) {
  return data_uri(data::png_bytes(thumbnail(image, kPicture)));
}

ordered_json neighbour_json(const EmbeddingFile& index, const FoundRow& found) {
  ordered_json j = {
      {"row", found.row}, {"cosine", found.cosine}, {"name", std::string(index.name(found.row))}};
  if (const std::string name = index.class_name(found.row); !name.empty()) j["class"] = name;
  return j;
}

}  // namespace

ordered_json found_json(const Found& f) {
  ordered_json j = {{"run", f.run},
                    {"index", f.index.path()},
                    {"kind", f.kind},
                    {"k", f.k},
                    {"queries", ordered_json::array()}};
  for (std::size_t q = 0; q < f.rows.size(); ++q) {
    ordered_json neighbours = ordered_json::array();
    for (const FoundRow& found : f.rows[q]) neighbours.push_back(neighbour_json(f.index, found));
    j["queries"].push_back({{"name", f.queries.name(q)}, {"neighbours", std::move(neighbours)}});
  }
  return j;
}

std::string found_text(const Found& f) {
  std::string text;
  for (std::size_t q = 0; q < f.rows.size(); ++q) {
    text += engine::shown(f.queries.name(q)) + "\n";
    for (const FoundRow& found : f.rows[q]) {
      char cosine[32];
      std::snprintf(cosine, sizeof cosine, "  %7.4f  ", found.cosine);
      const std::string name = f.index.class_name(found.row);
      text += cosine + engine::shown(f.index.name(found.row)) +
              (name.empty() ? "" : "  (" + engine::shown(name) + ")") + "\n";
    }
  }
  return text;
}

const data::Dataset* IndexedImages::records() {
  if (looked_) return records_.get();
  looked_ = true;
  ImageChoice c;
  c.data = index_.about("data");
  c.split = index_.about("split");
  if (c.data.empty() || c.split.empty()) return nullptr;
  try {
    auto images = exported_images(c, {});
    if (std::int64_t(images->size()) == index_.rows()) records_ = std::move(images);
  } catch (const engine::DataError&) {  // it is not there any more: the page says which pictures are missing
  }
  return records_.get();
}

std::string IndexedImages::picture(std::int64_t row) {
  const std::string name(index_.name(row)), file = engine::restored(name);
  std::error_code none;
  try {
    if (std::filesystem::is_regular_file(file, none))
      return picture_uri(data::open_image_file(file)->image(0));
    const data::Dataset* images = records();
    if (images != nullptr && images->name(std::size_t(row)) == name)
      return picture_uri(images->image(std::size_t(row)));
  } catch (const engine::DataError&) {  // it can't be decoded any more
  }
  return "";
}

std::string found_page(const Found& f, std::size_t most, std::size_t& missing) {
  ordered_json data = found_json(f);
  data["of"] = f.rows.size();
  data["images"] = f.index.rows();
  data["version"] = version_text();
  missing = 0;
  IndexedImages images(f.index);
  ordered_json& queries = data["queries"];
  if (queries.size() > most) queries.erase(queries.begin() + std::ptrdiff_t(most), queries.end());
  for (std::size_t q = 0; q < queries.size(); ++q) {
    queries[q]["png"] = picture_uri(f.queries.image(q));
    for (ordered_json& n : queries[q]["neighbours"]) {
      const std::string picture = images.picture(n["row"].get<std::int64_t>());
      if (picture.empty())
        ++missing;
      else
        n["png"] = picture;
    }
  }
  return filled(search_template, {{"summary", escaped(found_text(f))}, {"data", script_safe(data)}});
}

}  // namespace apps
