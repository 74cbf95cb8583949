// The nearest rows of a file of features, by cosine: every row is compared, tile by tile, so that the file
// may be larger than memory.
#pragma once

#include <cstdint>
#include <vector>

#include "apps/embedding/embedding_file.h"
#include "engine/tensor.h"

namespace apps {

struct FoundRow {
  std::int64_t row;
  double cosine;  // in f64
  bool operator==(const FoundRow&) const = default;
};
bool is_nearer(const FoundRow& a, const FoundRow& b);  // `a` comes before `b` in a result
using FoundRows = std::vector<FoundRow>;               // nearest first; of equal ones the lower row first

// min(k, N) rows for each query. queries: (Q,D), f32 on the host, of any length but 0. The scores are the
// engine's matrix product in f32 on the device; rows whose score may be among the k greatest, by the bound of
// its rounding error, are compared in f64. The memory is that of one tile of rows, its scores and the
// results.
std::vector<FoundRows> nearest_rows(const EmbeddingFile&, const engine::Tensor& queries, int k,
                                    engine::Device, std::int64_t tile_rows = 0);

// The cosine of two vectors in f64, 0 if one has no length. Its sums have a fixed order.
double cosine_of(const float* a, const float* b, std::int64_t width);

}  // namespace apps
