#include "data/pack/unpack.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "data/decode/png.h"
#include "data/files.h"
#include "data/formats/walk.h"
#include "data/pack/packed_images.h"
#include "engine/error.h"
#include "engine/escape.h"
#include "engine/files/atomic_file.h"

namespace data {

namespace fs = std::filesystem;

namespace {

// A path below the folder that it is appended to: relative, and without "..".
fs::path inner_path(const std::string& text, const std::string& image) {
  const fs::path path = engine::restored(text);
  const bool leaves = std::ranges::find(path, fs::path("..")) != path.end();
  engine::require_data(path.is_relative() && !path.empty() && !leaves && text.find('\0') == text.npos, image,
                       ": has the name ", engine::shown(text), ", expected a file below the folder");
  return path;
}

// Where an image of a split goes, without regard to others.
fs::path place_of(const Dataset& set, std::size_t i, const std::string& pack, const char* split) {
  const fs::path named = inner_path(name_below(set.name(i), printable(pack)), set.name(i));
  if (has_image_ending(named)) return named;
  const int label = set.label(i);
  const std::string name =
      set.classes().empty() || label < 0 ? "unlabelled" : set.classes()[std::size_t(label)];
  std::string record = named.string();
  std::ranges::replace(record, '/', '_');
  std::ranges::replace(record, ' ', '_');
  return fs::path(split) / inner_path(name, set.name(i)) / (record + ".png");
}

}  // namespace

std::size_t unpack(const std::string& pack, const std::string& folder) {
  engine::require_data(is_pack(pack), printable(pack), ": has no index.dyadpack, expected a packed data set");
  std::set<fs::path> written;
  std::size_t images = 0;
  Image image;
  for (const auto& [split, name] :
       {std::pair{Split::pretrain, "train"}, {Split::only_val, "val"}, {Split::only_test, "test"}}) {
    if (!has_pack_split(pack, split)) continue;
    const auto set = open_pack(pack, split);
    for (std::size_t i = 0; i < set->size(); ++i, ++images) {
      fs::path place = place_of(*set, i, pack, name);
      const std::vector<std::uint8_t> bytes = set->file_bytes(i);
      if (bytes.empty()) {
        fs::path png = place;
        png.replace_extension(".png");
        place = written.contains(png) ? fs::path(place.string() + ".png") : png;
      }
      engine::require_data(written.insert(place).second, set->name(i),
                           ": is there twice, expected different names");
      const fs::path to = fs::path(folder) / place;
      fs::create_directories(to.parent_path());
      if (bytes.empty()) {
        set->read(i, image);
        write_png(to.string(), image);
      } else {
        engine::write_file_atomically(to.string(), std::string(bytes.begin(), bytes.end()));
      }
    }
  }
  return images;
}

}  // namespace data
