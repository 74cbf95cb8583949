#include "data/view_parts.h"

#include <algorithm>
#include <utility>

#include "engine/error.h"

namespace data {

namespace {

Box crop_of(const View& v) { return {v.top, v.left, v.crop_height, v.crop_width}; }

// The greatest of 1, 2 and 4 by which a crop can be divided so that no side is shorter than the view's.
int scale_of(const View& v, int size) {
  int scale = 4;
  while (scale > 1 && std::min(v.crop_height, v.crop_width) / scale < size) scale /= 2;
  return scale;
}

// A range of rows or columns of the image, as one of the `count` that begin at `from` in 1/scale of it: its
// edges are divided and rounded to nearest.
struct Stretch {
  int begin, length;
};
Stretch divided(Stretch r, int scale, int from, int count) {
  const auto edge = [&](int whole) { return (whole + scale / 2) / scale - from; };
  const int begin = std::clamp(edge(r.begin), 0, count - 1);
  return {begin, std::clamp(edge(r.begin + r.length) - begin, 1, count - begin)};
}

}  // namespace

NeededPart part_of_views(std::vector<ViewRecipe> recipes, int size, std::uint64_t seed,
                         CropDecoding decoding) {
  engine::require(!recipes.empty(), "part_of_views: no recipes, expected at least 1");
  return [=, recipes = std::move(recipes)](std::uint32_t epoch, std::uint32_t sample, int height, int width) {
    Part part;
    for (std::size_t v = 0; v < recipes.size(); ++v) {
      const View view = draw(recipes[v], seed, epoch, sample, std::uint32_t(v), 0, height, width, size);
      const int scale = decoding == CropDecoding::scaled ? scale_of(view, size) : 1;
      part.box = v == 0 ? crop_of(view) : joined(part.box, crop_of(view));
      part.scale = v == 0 ? scale : std::min(part.scale, scale);
    }
    return part;
  };
}

View within(View v, const Source& source, int height, int width) {
  const Stretch rows = divided({v.top, v.crop_height}, source.scale, source.top, height);
  const Stretch columns = divided({v.left, v.crop_width}, source.scale, source.left, width);
  v.height = height, v.width = width;
  v.top = rows.begin, v.crop_height = rows.length;
  v.left = columns.begin, v.crop_width = columns.length;
  return v;
}

}  // namespace data
