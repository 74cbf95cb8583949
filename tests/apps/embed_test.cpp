// dyad embed: features of folders, lists and single images are those of the encoder.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <sstream>

#include "apps/cli/cli.h"
#include "apps/embedding/embedding_file.h"
#include "apps/embedding/image_features.h"
#include "apps/evaluation/features.h"
#include "apps/run/checkpoint.h"
#include "apps/run/model.h"
#include "apps/run/run_directory.h"
#include "engine/ops.h"
#include "engine/tape.h"
#include "tests/support/encode.h"
#include "tests/support/scratch.h"
#include "tests/support/small_cifar.h"

using namespace engine;

namespace {

struct Embedded {
  int code;
  std::string err;
};

Embedded run_embed(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "embed");
  std::ostringstream out, err;
  const int code = apps::run_command_line(arguments, out, err);
  return {code, err.str()};
}

std::string noise_png(int seed, bool mirrored = false) {
  std::vector<std::uint8_t> rows(std::size_t(20 * 24 * 3));
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = std::uint8_t((i * 7919 + std::size_t(seed) * 104729) >> 3);
  if (mirrored)  // 20 rows of 24 pixels
    for (std::size_t row = 0; row < 20; ++row)
      for (std::size_t x = 0; x < 12; ++x)
        std::swap_ranges(&rows[(row * 24 + x) * 3], &rows[(row * 24 + x) * 3] + 3,
                         &rows[(row * 24 + 23 - x) * 3]);
  return encode_png(20, 24, SPNG_COLOR_TYPE_TRUECOLOR, 8, rows);
}

// A pretrained run of 16-pixel images on f32, and six images: those of one folder, which is a class, and
// loose ones.
struct World {
  Scratch scratch;
  std::string run = scratch.path("run"), photos = scratch.path("photos");
  World() {
    const std::string data = small_cifar(scratch, "data", 16, 4);
    std::ostringstream out, err;
    REQUIRE(apps::run_command_line({"pretrain", "--data", data, "--run", run, "--arch=resnet10",
                                    "--width=0.0625", "--out-dim=8", "--batch=8", "--steps=2", "--size=16"},
                                   out, err) == 0);
    int seed = 0;
    for (const char* name : {"1.png", "2.png", "deep/3.png", "deep/er/4.png", "deep/er/5.png", "z.png"})
      scratch.write(std::string("photos/") + name, noise_png(seed++));
  }
  std::string embedded(const std::string& data, const std::string& name,
                       std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"--run", run, "--data", data, "--out", scratch.path(name), "--batch=4"});
    const Embedded e = run_embed(more);
    INFO(e.err);
    REQUIRE(e.code == 0);
    return scratch.path(name);
  }
};

}  // namespace

TEST_CASE("embed: nested folders, a list, a flat folder and one image have the encoder's features") {
  const World w;
  const apps::EmbeddingFile folder(w.embedded(w.photos, "f.safetensors"));
  const auto method = apps::make_method(apps::read_run_options(w.run), cpu);
  apps::load_parameters(apps::Checkpoint(apps::checkpoints(w.run).front()), method->parameters);
  const auto images = data::open_dataset(w.photos, data::Split::pretrain);
  const apps::Features expected =
      apps::encoder_features(method->branch().encoder, *images, {"cifar", 16, 4, 2, cpu, DType::f32});
  REQUIRE(folder.shape() == Shape{6, 64});
  CHECK(folder.tile(0, 6).to_vector() == expected.values.to_vector());
  CHECK(folder.labels() == std::vector<std::int64_t>{0, 0, 0, -1, -1, -1});
  for (std::int64_t i = 0; i < 6; ++i) CHECK(folder.name(i) == images->name(std::size_t(i)));
  CHECK(folder.about("encoder_hash").size() == 16);
  CHECK(folder.about("size") == "16");

  w.scratch.write("list.txt", "photos/z.png\nphotos/deep/3.png\n");
  const apps::EmbeddingFile list(w.embedded(w.scratch.path("list.txt"), "l.npy"));
  REQUIRE(list.rows() == 2);
  CHECK(list.name(0) == w.photos + "/z.png");
  // another batch may round otherwise
  const std::vector<double> two = list.tile(0, 2).to_vector(), six = expected.values.to_vector();
  const std::size_t width = two.size() / 2;
  for (std::size_t d = 0; d < width; ++d) {
    CHECK(two[d] == doctest::Approx(six[5 * width + d]).epsilon(1e-4));
    CHECK(two[width + d] == doctest::Approx(six[d]).epsilon(1e-4));
  }
  const apps::EmbeddingFile flat(w.embedded(w.photos + "/deep/er", "d.safetensors"));
  CHECK(flat.rows() == 2);
  CHECK(flat.labels().empty());
  CHECK(flat.name(1) == w.photos + "/deep/er/5.png");
  const apps::EmbeddingFile one(w.embedded(w.photos + "/z.png", "o.safetensors"));
  REQUIRE(one.rows() == 1);
  CHECK(one.name(0) == w.photos + "/z.png");
  CHECK(one.labels().empty());
  CHECK(one.tile(0, 1).to_vector()[0] == doctest::Approx(six[5 * width]).epsilon(1e-4));
}

TEST_CASE("embed: classes become labels; projections, maps and their means") {
  const World w;
  for (const char* name : {"b/1.png", "a/2.png", "a/3.png"})
    w.scratch.write(std::string("classes/") + name, noise_png(name[2]));
  const std::string classes = w.scratch.path("classes");
  const apps::EmbeddingFile labelled(w.embedded(classes, "f.safetensors"));
  CHECK(labelled.labels() == std::vector<std::int64_t>{0, 0, 1});
  CHECK(labelled.class_name(2) == "b");

  CHECK(apps::EmbeddingFile(w.embedded(classes, "p.npy", {"--features=projection"})).shape() == Shape{3, 8});
  const apps::EmbeddingFile mean(w.embedded(classes, "m.npy", {"--features=c5", "--pool=gap"}));
  CHECK(mean.tile(0, 3).to_vector() == labelled.tile(0, 3).to_vector());
  std::int64_t side = 16, channels = 8;
  for (const char* stage : {"c2", "c3", "c4", "c5"}) {
    const apps::EmbeddingFile map(w.embedded(classes, "d.npy", {std::string("--features=") + stage}));
    CHECK(map.shape() == Shape{3, side, side, channels});
    const apps::EmbeddingFile pooled(
        w.embedded(classes, "g.npy", {std::string("--features=") + stage, "--pool=gap"}));
    const Tensor values = map.tile(0, 3).view(map.shape());
    CHECK(pooled.tile(0, 3).to_vector() == global_avg_pool(values).to_vector());
    side /= 2;
    channels *= 2;
  }
  CHECK(run_embed({"--run", w.run, "--data", classes, "--out", w.scratch.path("x.npy"), "--pool=none"}).err ==
        "dyad embed: --pool none: --features backbone are no maps, expected --features c2 to c5\n");
  CHECK(run_embed({"--run", w.run, "--data", classes, "--out", w.scratch.path("x.csv"), "--features=c2"})
            .code == 2);
  CHECK(run_embed({"--run", w.run, "--data", classes, "--out", w.scratch.path("x.txt")}).code == 2);
  CHECK(run_embed({"--run", w.run, "--data", classes, "--out", w.scratch.path("x.npy"), "--branch=target"})
            .code == 2);
}

TEST_CASE("embed: with --mirror an image and its mirror image have the same features, the mean of both") {
  const World w;
  for (const int seed : {1, 2, 3}) {
    w.scratch.write("pairs/" + std::to_string(seed) + "-a.png", noise_png(seed));
    w.scratch.write("pairs/" + std::to_string(seed) + "-b.png", noise_png(seed, true));
  }
  const std::string pairs = w.scratch.path("pairs");
  for (const char* features : {"backbone", "projection"}) {
    const std::string which = std::string("--features=") + features;
    const apps::EmbeddingFile plain(w.embedded(pairs, "plain.npy", {which}));
    const apps::EmbeddingFile mean(w.embedded(pairs, "mean.npy", {which, "--mirror"}));
    CHECK(mean.about("mirror") == "mean");
    const std::vector<double> one = plain.tile(0, 6).to_vector(), both = mean.tile(0, 6).to_vector();
    const auto width = std::size_t(mean.width());
    double apart = 0;
    for (std::size_t i = 0; i < both.size(); ++i) {
      const std::size_t image = i / width;
      if (image % 2 == 1) continue;
      apart = std::max(apart, std::abs(one[i] - one[i + width]));
      CHECK(both[i] == doctest::Approx((one[i] + one[i + width]) / 2).epsilon(1e-4));
      CHECK(both[i] == doctest::Approx(both[i + width]).epsilon(1e-4));
    }
    CHECK(apart > 1e-3);
  }
  CHECK(run_embed(
            {"--run", w.run, "--data", pairs, "--out", w.scratch.path("x.npy"), "--features=c3", "--mirror"})
            .err ==
        "dyad embed: --mirror: the maps of a mirror image lie the other way round, expected --pool gap\n");
}

TEST_CASE("embed: a broken image stops it and leaves nothing, or is left out") {
  const World w;
  w.scratch.write("photos/deep/broken.png", "\x89PNG\r\n\x1a\n and no more");
  const Embedded stopped =
      run_embed({"--run", w.run, "--data", w.photos, "--out", w.scratch.path("b.safetensors")});
  CHECK(stopped.code == 65);
  CHECK(stopped.err.starts_with("dyad embed: " + w.photos + "/deep/broken.png: "));
  for (const auto& entry : std::filesystem::directory_iterator(w.scratch.folder))
    CHECK_FALSE(entry.path().filename().string().starts_with("b.safetensors"));
  const apps::EmbeddingFile file(w.embedded(w.photos, "s.safetensors", {"--bad-images=skip"}));
  CHECK(file.rows() == 6);
  CHECK(file.name(0) == w.photos + "/deep/3.png");
}

TEST_CASE("embed: a feature that is no number, or too large for f16, is an error that names the image") {
  const World w;
  const auto images = data::open_dataset(w.photos, data::Split::pretrain);
  const auto says = [&](double value, float most) {
    const Tensor rows = from_vector({2, 2}, {0, 1, 2, value}, DType::f64);
    return message_of<std::runtime_error>([&] { apps::host_rows(rows, *images, 3, most); });
  };
  const std::string image = "a feature of image " + w.photos + "/2.png is ";
  const float largest = std::numeric_limits<float>::max();
  CHECK(says(7e4, largest).empty());
  CHECK(says(7e4, 65504) == image + "70000, too large for f16, expected --dtype f32");
  CHECK(says(std::numeric_limits<double>::quiet_NaN(), largest) == image + "nan, expected a finite number");
  CHECK(says(-std::numeric_limits<double>::infinity(), largest) == image + "-inf, expected a finite number");
}
