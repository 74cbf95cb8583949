#include "apps/embedding/image_features.h"

#include <cmath>
#include <filesystem>

#include "apps/evaluation/evaluation_images.h"
#include "data/formats/image_list.h"
#include "data/formats/walk.h"
#include "engine/ops.h"
#include "engine/tape.h"

namespace apps {

using engine::Tensor;

namespace {

FeatureFunction one_pass(const models::Method& method, const std::string& features, const std::string& pool) {
  const models::Pass pass{engine::Mode::eval, engine::single()};
  const models::Branch& branch = method.branch();
  const auto wide = [](const Tensor& y) {
    return y.dtype() == engine::DType::bf16 ? engine::cast(y, engine::DType::f32) : y;
  };
  const bool map = features.size() == 2;
  if (!map && pool == "none")
    throw engine::UsageError("--pool none: --features " + features +
                             " are no maps, expected --features c2 to c5");
  if (map) {
    const int stage = features[1] - '1';  // c2 is the first
    const bool mean = pool == "gap";
    return [&branch, pass, wide, stage, mean](const Tensor& images) {
      const Tensor y = branch.encoder.map(images, pass, stage);
      return wide(mean ? engine::global_avg_pool(y) : y);
    };
  }
  if (features == "projection")
    return [&branch, pass, wide](const Tensor& images) { return wide(branch(images, pass)); };
  return [&branch, pass, wide](const Tensor& images) { return wide(branch.encoder(images, pass)); };
}

FeatureFunction mean_with_mirror(FeatureFunction f) {
  return [f = std::move(f)](const Tensor& images) {
    const std::int64_t pixels = images.numel() / images.dim(3), side = images.dim(2);
    const Tensor rows({pixels}, engine::DType::i32, engine::cpu);
    auto* row = rows.data<std::int32_t>();
    for (std::int64_t i = 0; i < pixels; ++i) row[i] = std::int32_t(i / side * side + side - 1 - i % side);
    const bool narrow = images.dtype() == engine::DType::bf16;
    const Tensor wide = narrow ? engine::cast(images, engine::DType::f32) : images;
    const Tensor turned =
        engine::take_rows(engine::reshape(wide, {pixels, images.dim(3)}), rows.to(images.device()));
    const Tensor mirrored =
        engine::reshape(narrow ? engine::cast(turned, engine::DType::bf16) : turned, images.shape());
    return engine::scale(engine::add(f(images), f(mirrored)), 0.5);
  };
}

}  // namespace

std::unique_ptr<data::Dataset> embedded_images(const ImageChoice& c, const PretrainOptions& run,
                                               int threads) {
  std::error_code none;
  const bool one = std::filesystem::is_regular_file(c.data, none) && data::has_image_ending(c.data);
  auto images = one ? data::open_image_file(c.data) : exported_images(c, run);
  images->decode_as(decode_options(run));
  return as_bad_images_say(std::move(images), c, run, threads);
}

FeatureFunction feature_function(const models::Method& method, const std::string& features,
                                 const std::string& pool, bool mirror) {
  if (!mirror) return one_pass(method, features, pool);
  if (features.size() == 2 && pool != "gap")
    throw engine::UsageError(
        "--mirror: the maps of a mirror image lie the other way round, expected --pool gap");
  return mean_with_mirror(one_pass(method, features, pool));
}

engine::Shape feature_shape(const FeatureFunction& f, const FeatureOptions& o, std::int64_t count) {
  const engine::NoGrad no_grad;
  return engine::with_rows(f(engine::zeros({1, o.size, o.size, 3}, o.dtype, o.device)).shape(), count);
}

Tensor host_rows(const Tensor& part, const data::Dataset& images, std::int64_t first, float most) {
  const Tensor rows = engine::cast(part, engine::DType::f32).to(engine::cpu);
  const auto* values = rows.data<float>();
  const std::int64_t width = rows.numel() / rows.dim(0);
  for (std::int64_t i = 0; i < rows.numel(); ++i)
    if (!(std::abs(values[i]) <= most))
      throw std::runtime_error(engine::concat_text(
          "a feature of image ", images.name(std::size_t(first + i / width)), " is ", values[i],
          std::isfinite(values[i]) ? ", too large for f16, expected --dtype f32"
                                   : ", expected a finite number"));
  return rows;
}

}  // namespace apps
