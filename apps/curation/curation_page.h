// curate.html: what was left out and why, with pictures. One file that needs no network.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "apps/curation/curation.h"
#include "apps/curation/thumbnails.h"

namespace apps {

// All figures, with names: curate.json.
nlohmann::ordered_json curation_json(const CurateOptions&, const Curation&, const EmbeddingFile& images,
                                     const EmbeddingFile* against);

// At most some dozens of groups, leaks and outliers have pictures; the lists have all. `summary`: for a
// browser that runs no script.
std::string curation_page(const CurateOptions&, const Curation&, const EmbeddingFile& images,
                          const EmbeddingFile* against, Thumbnails&, const std::string& summary);

}  // namespace apps
