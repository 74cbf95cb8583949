#include "data/list_hash.h"

#include "data/files.h"
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

}  // namespace data
