// What a search has found, for people and for programs.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/embedding/exact_search.h"
#include "data/dataset.h"

namespace apps {

struct Found {
  const data::Dataset& queries;
  const EmbeddingFile& index;
  const std::vector<FoundRows>& rows;  // of each query
  std::string run, kind;               // kind: "exact", "ivf-pq" or "hnsw"
  int k;
};

// {"run", "index", "kind", "k", "queries": [{"name", "neighbours": [{"row", "cosine", "name", "class"}]}]};
// "class" only if it is known.
nlohmann::ordered_json found_json(const Found&);

// A line for each query, and one for each neighbour.
std::string found_text(const Found&);

// The pictures of an index's rows: the files that the rows name, or the records of the data set that was
// embedded.
class IndexedImages {
 public:
  explicit IndexedImages(const EmbeddingFile& index) : index_(index) {}
  // A PNG as data URI; "" if the image is not there any more.
  std::string picture(std::int64_t row);

 private:
  const data::Dataset* records();
  const EmbeddingFile& index_;
  std::unique_ptr<data::Dataset> records_;
  bool looked_ = false;
};

// One page with a picture of each query, up to `most`, and its neighbours. missing: how many pictures could
// not be read.
std::string found_page(const Found&, std::size_t most, std::size_t& missing);

}  // namespace apps
