#include "data/second_views.h"

#include <algorithm>
#include <numeric>

#include "engine/random.h"

namespace data {

std::vector<std::int32_t> second_order(std::int64_t count, std::uint64_t seed, std::uint32_t epoch,
                                       std::uint32_t index) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  // the last word separates these random numbers from those of views, replacements and epochs
  engine::Random random(seed, epoch, index, ~0U - 1);
  engine::shuffle(order, random);
  return order;
}

std::vector<std::int64_t> shuffle_second(Batch& batch, std::int64_t count, const engine::Shard& own,
                                         std::uint64_t seed) {
  const std::vector<std::int32_t> order =
      second_order(count, seed, std::uint32_t(batch.epoch), std::uint32_t(batch.index));
  batch.second_places.resize(order.size());
  for (std::size_t place = 0; place < order.size(); ++place)
    batch.second_places[std::size_t(order[place])] = std::int32_t(place);
  std::vector<std::int64_t> images(std::size_t(own.count), 0);
  std::iota(images.begin(), images.end(), own.first);
  for (std::int64_t place = own.first; place < own.first + own.count; ++place) {
    const std::int64_t image = order[std::size_t(place)];
    const bool is_own = own.first <= image && image < own.first + own.count;
    batch.second.push_back(std::int32_t(is_own ? image - own.first : std::int64_t(images.size())));
    if (!is_own) images.push_back(image);
  }
  return images;
}

}  // namespace data
