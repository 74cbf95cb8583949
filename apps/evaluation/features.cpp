#include "apps/evaluation/features.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/view_batch.h"
#include "engine/check/non_finite.h"
#include "engine/memory/failed_allocation.h"
#include "engine/ops.h"
#include "engine/tape.h"

namespace apps {

using engine::Tensor;

void each_batch(const data::Dataset& dataset, const FeatureOptions& o, std::int64_t first,
                const std::function<Tensor(const Tensor&)>& f, const TakeFeatures& take) {
  engine::require(first % o.batch == 0, "each_batch: image ", first, ", expected a multiple of ", o.batch);
  const engine::NoGrad no_grad;
  const engine::Making making("features of images");
  data::ViewBatches views(data::view_recipe(o.recipe), 1, o.size, 0, o.device, o.dtype);
  data::Loader loader(dataset, {.batch = o.batch,
                                .shuffle = false,
                                .drop_last = false,
                                .threads = o.threads,
                                .device = o.device,
                                .bad_images = o.bad_images});
  const auto total = std::int64_t(dataset.size());
  if (first >= total) return;
  loader.seek(0, first / o.batch);
  data::Batch batch;
  for (std::int64_t done = first; done < total; done += batch.size()) {
    loader.next(batch);
    take(f(views(batch)), batch);
  }
}

Features features_by(const data::Dataset& dataset, const FeatureOptions& o,
                     const std::function<Tensor(const Tensor&)>& f) {
  Features features;
  std::int64_t done = 0;
  each_batch(dataset, o, 0, f, [&](const Tensor& part, const data::Batch& batch) {
    if (!features.values.defined())
      features.values = Tensor({std::int64_t(dataset.size()), part.dim(1)}, part.dtype(), o.device);
    engine::copy_bytes(features.values.slice(done, part.dim(0)).raw(), o.device, part.raw(), o.device,
                       part.bytes());
    features.labels.insert(features.labels.end(), batch.labels.begin(), batch.labels.end());
    done += part.dim(0);
  });
  return features;
}

void require_finite(const Features& f, const data::Dataset& dataset, const std::string& whose) {
  constexpr std::int64_t kRows = 1024;  // at a time, since each value becomes a double
  // of a length: cosines of longer features would be 0, and every prediction the first class
  const double longest = f.values.dtype() == engine::DType::f64 ? std::numeric_limits<double>::max()
                                                                : std::numeric_limits<float>::max();
  for (std::int64_t first = 0; first < f.values.dim(0); first += kRows) {
    const auto width = std::size_t(f.values.dim(1));
    const Tensor rows = f.values.slice(first, std::min(kRows, f.values.dim(0) - first));
    const auto bad = engine::find_non_finite(rows);
    if (bad)
      throw std::runtime_error(engine::concat_text(
          whose, " features are not finite: the first is ", bad->value, ", of image ",
          dataset.name(std::size_t(first) + bad->first / width), "; there is nothing to evaluate"));
    const std::vector<double> values = rows.to_vector();
    for (std::size_t i = 0; i < values.size(); i += width) {
      double square = 0;
      for (std::size_t d = 0; d < width; ++d) square += values[i + d] * values[i + d];
      if (square >= longest)
        throw std::runtime_error(engine::concat_text(
            whose, " features are too large: the first is that of image ",
            dataset.name(std::size_t(first) + i / width), ", of length ", std::sqrt(square),
            ", expected less than ", std::sqrt(longest), "; there is nothing to evaluate"));
    }
  }
}

Features encoder_features(const models::ResNet& encoder, const data::Dataset& dataset,
                          const FeatureOptions& o) {
  return features_by(dataset, o, [&](const Tensor& images) {
    const Tensor y = encoder(images, {.mode = engine::Mode::eval});
    return y.dtype() == engine::DType::bf16 ? engine::cast(y, engine::DType::f32) : y;
  });
}

Features raw_pixels(const data::Dataset& dataset, FeatureOptions o) {
  o.size = std::min(o.size, 32);
  o.dtype = engine::accumulator(o.dtype);
  return features_by(dataset, o, [](const Tensor& images) {
    return images.view({images.dim(0), images.numel() / images.dim(0)});
  });
}

}  // namespace apps
