#include "apps/curation/thumbnails.h"

#include "apps/evaluation/neighbours.h"
#include "apps/report/markup.h"
#include "data/decode/png.h"
#include "data/formats/image_list.h"
#include "engine/escape.h"

namespace apps {
namespace {

constexpr int kSide = 72;

}  // namespace

Thumbnails::Thumbnails(const std::string& data) {
  if (data.empty()) return;
  sets_.push_back(data::open_dataset(data, data::Split::pretrain));
  if (data::has_split(data, data::Split::test)) sets_.push_back(data::open_dataset(data, data::Split::test));
  for (const auto& set : sets_)
    for (std::size_t i = 0; i < set->size(); ++i) places_.emplace(set->name(i), std::pair(set.get(), i));
}

std::string Thumbnails::of(const std::string& name) {
  const auto [made, added] = made_.emplace(name, "");
  if (!added) return made->second;
  try {
    const auto place = places_.find(name);
    const data::Image image = place != places_.end()
                                  ? place->second.first->image(place->second.second)
                                  : data::open_image_file(engine::restored(name))->image(0);
    made->second = data_uri(data::png_bytes(thumbnail(image, kSide)));
  } catch (const engine::DataError&) {  // the page shows the name in its place, and says how many
    ++missing_;
  }
  return made->second;
}

}  // namespace apps
