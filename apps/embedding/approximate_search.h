// Indexes that compare a part of the rows, by FAISS (github.com/facebookresearch/faiss), if dyad is built
// with it.
#pragma once

#include <memory>
#include <string>

#include "apps/embedding/exact_search.h"

namespace apps {

// UsageError, which begins with --kind, if this build has no FAISS, or if there are too few rows for this
// kind.
void require_approximate(const std::string& kind, std::int64_t rows);

std::string approximate_path(const std::string& index);  // "a.safetensors" -> "a.faiss"

// Writes FAISS's index of a file of unit vectors to approximate_path(), with the least effort (lists or
// candidates that a search looks at) that finds 95 % of the 10 nearest of some of the rows. kind: "ivf-pq" or
// "hnsw". Returns a line about the share that is found, and the times.
std::string build_approximate(const EmbeddingFile&, const std::string& kind);

class ApproximateIndex {
 public:
  // DataError if there is no FAISS's index of as many rows of that width beside the file. The file must
  // outlive it.
  explicit ApproximateIndex(const EmbeddingFile& rows);
  ~ApproximateIndex();
  ApproximateIndex(const ApproximateIndex&) = delete;
  ApproximateIndex& operator=(const ApproximateIndex&) = delete;

  // As nearest_rows(). The cosines are those of the file's rows, in f64; a row may be missed.
  std::vector<FoundRows> nearest(const engine::Tensor& queries, int k) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace apps
