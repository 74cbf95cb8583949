#include "data/list_hash.h"

#include <filesystem>
#include <vector>

#include "data/files.h"
#include "engine/error.h"
#include "engine/files/hash.h"

namespace data {

std::uint64_t list_hash(const Dataset& dataset, const std::string& folder) {
  std::string above = printable(folder);
  while (above.ends_with('/')) above.pop_back();
  above += '/';
  std::uint64_t hash = engine::fnv1a(nullptr, 0);
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    const std::string name = dataset.name(i);
    std::size_t from = name.starts_with(above) ? above.size() : 0;
    while (from < name.size() && name[from] == '/') ++from;  // of a folder that is given as "images/"
    const int label = dataset.label(i);
    hash = engine::fnv1a(name.c_str() + from, name.size() + 1 - from, hash);  // with its final zero
    hash = engine::fnv1a(&label, sizeof label, hash);
  }
  return hash;
}

std::string files_text(const Dataset& dataset, bool contents) {
  std::uint64_t hash = engine::fnv1a(nullptr, 0), files = 0, bytes = 0;
  std::string last;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    const std::string file = dataset.file(i);
    if (file.empty() || file == last) continue;  // the images of one file follow each other
    last = file;
    std::uint64_t size = 0;
    if (contents) {
      const std::vector<std::uint8_t> all = read_bytes(file);
      hash = engine::fnv1a(all.data(), all.size(), hash);
      size = all.size();
    } else {
      std::error_code error;
      size = std::filesystem::file_size(file, error);
      engine::require_data(!error, printable(file), ": ", error.message());
    }
    hash = engine::fnv1a(&size, sizeof size, hash);
    ++files;
    bytes += size;
  }
  return counted(double(files), "file") + " of " + with_commas(bytes) + " bytes, hash of " +
         (contents ? "contents " : "sizes ") + engine::hash_text(hash);
}

}  // namespace data
