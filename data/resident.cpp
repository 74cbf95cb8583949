#include "data/resident.h"

#include <algorithm>

#include "engine/memory/cuda_device.h"

namespace data {

Resident::Resident(const Dataset& dataset, engine::Device device, int threads, BadImages bad_images,
                   std::uint64_t seed) {
  const int at_once = int(std::min<std::size_t>(dataset.size(), 256));
  Loader loader(dataset, {.batch = at_once,
                          .shuffle = false,
                          .drop_last = false,
                          .threads = threads,
                          .seed = seed,
                          .bad_images = bad_images});
  std::vector<std::uint8_t> host;
  if (dataset.pixel_bytes() > 0) host.reserve(std::size_t(dataset.pixel_bytes()));
  Batch batch;
  while (places.size() < dataset.size()) {
    loader.next(batch);
    skipped.insert(skipped.end(), batch.skipped.begin(), batch.skipped.end());
    for (std::size_t i = 0; i < batch.samples.size(); ++i)
      places.push_back({std::int64_t(host.size()) + batch.offset[i], batch.height[i], batch.width[i],
                        batch.samples[i], batch.labels[i]});
    host.insert(host.end(), batch.pixels.data(), batch.pixels.data() + batch.pixels.size());
  }
  pixels = engine::Tensor({std::int64_t(host.size())}, engine::DType::u8, device);
  engine::copy_bytes(pixels.raw(), device, host.data(), engine::cpu, host.size());
}

bool worth_residing(const Dataset& dataset, engine::Device device) {
  if (device.backend != engine::Backend::cuda || dataset.pixel_bytes() < 0) return false;
  return std::size_t(dataset.pixel_bytes()) <= engine::cuda::memory(device.index).free / 4;
}

}  // namespace data
