// Which images of a file of features to keep, and why the others are left out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/curation/diverse_images.h"
#include "apps/curation/near_images.h"
#include "apps/embedding/embedding_file.h"
#include "apps/options/curate.h"
#include "apps/run/left_out.h"

namespace apps {

// In the order in which the rules apply.
enum class Why { kept, listed, leaked, duplicate, outlier };
constexpr int kReasons = 5;
std::string reason_text(Why,
                        const CurateOptions&);  // "near duplicates of another image (cosine at least 0.95)"

struct NearGroup {
  std::int32_t kept = 0;           // the image that stays; -1: all are left out by earlier rules
  std::vector<std::int32_t> rows;  // all of the group, ascending
  std::vector<float> cosines;      // of each with the one that stays, or with the first
};

struct Curation {
  std::vector<Why> why;                // of each row
  std::vector<NearGroup> groups;       // the largest first; of equal ones the first
  std::vector<NearPair> leaks;         // a: row; b: row of --against
  std::vector<float> distances;        // of each row to its k-th neighbour
  std::vector<std::int32_t> isolated;  // all rows, the most isolated first
  Subset subset;                       // of the rows that are kept
  // Higher thresholds, and how many near duplicates each would leave out of all images. Empty with --pairs.
  std::vector<std::pair<double, std::int64_t>> at_higher;
  std::int64_t count(Why) const;
};

// DataError if the two files are of other encoders or widths, or if a name of --keep-out is unknown.
// UsageError if nothing would be kept.
Curation curate_images(const CurateOptions&, const EmbeddingFile& images, const EmbeddingFile* against);

// Whether the names are those of files here. Only the first is looked for: a million take minutes on a
// network.
bool names_files(const EmbeddingFile&);
// The image of a row as lists name it: an absolute path, or the name itself if names_files() is false.
std::string listed_name(const EmbeddingFile&, std::int64_t row, bool is_file);

LeftOut left_out_of(const CurateOptions&, const Curation&);

}  // namespace apps
