#include "apps/evaluation/neighbours.h"

#include <algorithm>
#include <cmath>

#include "apps/evaluation/tsne.h"
#include "apps/report/markup.h"
#include "data/decode/png.h"
#include "engine/error.h"
#include "engine/ops.h"
#include "engine/tape.h"
#include "models/probes/knn.h"
#include "models/probes/probe_data.h"

namespace apps {

using nlohmann::ordered_json;

data::Image thumbnail(const data::Image& image, int most) {
  const int block = (std::max(image.height, image.width) + most - 1) / most;
  if (block <= 1) return image;
  data::Image small{std::max(1, image.height / block), std::max(1, image.width / block), {}};
  const int rows = std::min(block, image.height), columns = std::min(block, image.width);
  for (int y = 0; y < small.height; ++y)
    for (int x = 0; x < small.width; ++x)
      for (int c = 0; c < 3; ++c) {
        int sum = 0;
        for (int i = 0; i < rows; ++i)
          for (int j = 0; j < columns; ++j)
            sum += image.pixels[(std::size_t(y * block + i) * std::size_t(image.width) +
                                 std::size_t(x * block + j)) *
                                    3 +
                                std::size_t(c)];
        small.pixels.push_back(std::uint8_t((sum + rows * columns / 2) / (rows * columns)));
      }
  return small;
}

namespace {

// Test images whose classes are spread over all classes. Of fewer classes than queries each has several, in
// rounds.
std::vector<std::int64_t> query_rows(const std::vector<std::int32_t>& labels, std::size_t classes,
                                     int queries) {
  std::vector<std::vector<std::int64_t>> of_class(classes);
  for (std::size_t i = 0; i < labels.size(); ++i)
    of_class.at(std::size_t(labels[i])).push_back(std::int64_t(i));
  std::erase_if(of_class, [](const auto& rows) { return rows.empty(); });
  const auto wanted = std::min(std::size_t(queries), labels.size());
  std::vector<std::int64_t> rows;
  if (of_class.size() >= wanted)
    for (std::size_t q = 0; q < wanted; ++q) rows.push_back(of_class[q * of_class.size() / wanted].front());
  for (std::size_t round = 0; rows.size() < wanted; ++round)
    for (const auto& candidates : of_class)
      if (round < candidates.size() && rows.size() < wanted) rows.push_back(candidates[round]);
  return rows;
}

}  // namespace

ordered_json nearest_neighbours(const Features& train, const Features& test,
                                const data::Dataset& train_images, const data::Dataset& test_images,
                                int queries, int count) {
  const std::vector<std::int64_t> asked = query_rows(test.labels, test_images.classes().size(), queries);
  const engine::Tensor features = models::rows_of(test.values.to(engine::cpu), asked);
  const models::Neighbours nearest =
      models::nearest_neighbours(train.values, features.to(train.values.device()), count);

  const auto picture = [](const data::Dataset& images, std::size_t i) {
    return ordered_json{{"label", images.label(i)},
                        {"name", images.name(i)},
                        {"png", data_uri(data::png_bytes(thumbnail(images.image(i), 96)))}};
  };
  ordered_json rows = ordered_json::array();
  for (std::size_t q = 0; q < asked.size(); ++q) {
    ordered_json row = picture(test_images, std::size_t(asked[q]));
    row["neighbours"] = ordered_json::array();
    const auto k = std::size_t(nearest.k);
    for (std::size_t i = q * k; i < (q + 1) * k; ++i) {
      ordered_json n = picture(train_images, std::size_t(nearest.rows[i]));
      n["cosine"] = nearest.cosines[i];
      row["neighbours"].push_back(std::move(n));
    }
    rows.push_back(std::move(row));
  }
  return {{"classes", test_images.classes()}, {"queries", rows}};
}

ordered_json feature_map(const Features& test, const data::Dataset& test_images, std::int64_t most) {
  const engine::NoGrad no_grad;
  const std::int64_t shown = std::min(most, test.values.dim(0));
  std::vector<std::int64_t> rows;  // evenly spaced, since the set may be ordered by class
  for (std::int64_t i = 0; i < shown; ++i) rows.push_back(i * test.values.dim(0) / shown);
  const PlanePoints places = tsne(engine::l2_normalize(models::rows_of(test.values.to(engine::cpu), rows)));
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!std::isfinite(places[i][0]) || !std::isfinite(places[i][1]))
      throw std::runtime_error(engine::concat_text("t-SNE's place of image ",
                                                   test_images.name(std::size_t(rows[i])),
                                                   " is not finite, so there is no map"));
  ordered_json map = {{"classes", test_images.classes()}, {"points", ordered_json::array()}};
  const auto rounded = [](double v) { return std::round(1000 * v) / 1000; };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = std::size_t(rows[i]);
    map["points"].push_back(
        {rounded(places[i][0]), rounded(places[i][1]), test.labels[row], test_images.name(row)});
  }
  return map;
}

Inspector pictures() {
  return [](const Features& train, const Features& test, const data::Dataset& train_images,
            const data::Dataset& test_images) -> std::vector<std::pair<std::string, ordered_json>> {
    return {{"neighbours.json", nearest_neighbours(train, test, train_images, test_images, 10, 8)},
            {"map.json", feature_map(test, test_images, 1000)}};
  };
}

}  // namespace apps
