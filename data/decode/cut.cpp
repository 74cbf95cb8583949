#include "data/decode/cut.h"

#include <cstring>

#include "data/decode/exif.h"
#include "engine/error.h"

namespace data {

ChoosePart stored_part(const ChoosePart& needed, int orientation) {
  if (!needed || orientation == 1) return needed;
  return [=](int height, int width) {
    const bool transposed = exchanges_sides(orientation);
    const int upright_height = transposed ? width : height, upright_width = transposed ? height : width;
    Part part = needed(upright_height, upright_width);
    part.box = stored_box(part.box, orientation, height, width);
    return part;
  };
}

Part checked_part(const ChoosePart& needed, int height, int width) {
  const Part part = needed(height, width);
  const Box& b = part.box;
  engine::require(b.top >= 0 && b.left >= 0 && b.height >= 1 && b.width >= 1 && b.top + b.height <= height &&
                      b.left + b.width <= width,
                  "a part of an image: ", b.height, " x ", b.width, " pixels at row ", b.top, ", column ",
                  b.left, ", expected a box inside ", height, " x ", width, " pixels");
  engine::require(part.scale == 1 || part.scale == 2 || part.scale == 4 || part.scale == 8,
                  "a part of an image: at 1/", part.scale, ", expected 1, 1/2, 1/4 or 1/8");
  return part;
}

void cut(Image& image, const ChoosePart& needed) {
  if (!needed) return;
  const Box box = checked_part(needed, image.height, image.width).box;
  const auto row_bytes = std::size_t(image.width) * 3, kept_bytes = std::size_t(box.width) * 3;
  for (int y = 0; y < box.height; ++y)
    std::memmove(image.pixels.data() + std::size_t(y) * kept_bytes,
                 image.pixels.data() + std::size_t(box.top + y) * row_bytes + std::size_t(box.left) * 3,
                 kept_bytes);
  image.source = Source{image.height, image.width, box.top, box.left};
  image.height = box.height;
  image.width = box.width;
  image.pixels.resize(std::size_t(box.height) * kept_bytes);
}

}  // namespace data
