#include "data/view_batch.h"

#include "engine/ops.h"

namespace data {

using engine::Tensor;

engine::Tensor view_batch(const Batch& batch, const ViewRecipe& recipe, int views, int size,
                          std::uint64_t seed, engine::Device device, engine::DType dtype) {
  std::vector<View> drawn;
  for (int v = 0; v < views; ++v)
    for (std::size_t i = 0; i < batch.samples.size(); ++i)
      drawn.push_back(draw(recipe, seed, std::uint32_t(batch.epoch), batch.samples[i], std::uint32_t(v),
                           batch.offset[i], batch.height[i], batch.width[i], size));
  const Tensor pixels({std::int64_t(batch.pixels.size())}, engine::DType::u8, device);
  engine::copy_bytes(pixels.raw(), device, batch.pixels.data(), engine::cpu, pixels.bytes());
  return engine::augment(pixels, pack(drawn).to(device), size, recipe.normalization, dtype);
}

}  // namespace data
