// Views of batches are the same through the ring, from a resident data set and one by one. The ring's copies
// are in the right order with the work on the device.
#include "data/view_batch.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "engine/error.h"
#include "engine/memory/host_wait.h"
#include "engine/ops.h"
#include "kernels/base/launch_log.h"

using namespace data;
using engine::DType;
using engine::Tensor;

namespace {

const char* const samples = "data/samples";
const LoaderOptions options{.batch = 24, .threads = 1, .seed = 2};

// 300 images of several sizes; with `some_bad` a third can't be decoded.
class Sizes : public Dataset {
 public:
  explicit Sizes(bool some_bad = false) : some_bad_(some_bad) {}
  Kind kind() const override { return Kind::image_folder; }
  std::size_t size() const override { return 300; }
  const std::vector<std::string>& classes() const override { return classes_; }
  int label(std::size_t i) const override { return int(i % 7); }
  std::string name(std::size_t i) const override { return std::to_string(i); }
  void read(std::size_t i, Image& into) const override {
    if (some_bad_ && i % 3 == 0) throw engine::DataError(name(i) + ": is broken");
    const int height = 1 + int(i % 5), width = 1 + int(i % 3);
    into = {height, width, std::vector<std::uint8_t>(std::size_t(height * width * 3), std::uint8_t(i))};
  }

 private:
  bool some_bad_;
  std::vector<std::string> classes_;
};

// The views of a batch, made one by one from the data set.
std::vector<double> expected_views(const Dataset& set, const Batch& batch, const ViewRecipe& recipe,
                                   int views, int size, std::uint64_t seed) {
  std::vector<double> all;
  for (int v = 0; v < views; ++v)
    for (const std::uint32_t sample : batch.samples) {
      const Image image = set.image(sample);
      const Tensor pixels({std::int64_t(image.pixels.size())}, DType::u8, engine::cpu);
      std::ranges::copy(image.pixels, pixels.data<std::uint8_t>());
      const View view = draw(recipe, seed, std::uint32_t(batch.epoch), sample, std::uint32_t(v), 0,
                             image.height, image.width, size);
      const Tensor y = engine::augment(pixels, pack({view}), size, recipe.normalization, DType::f32);
      const std::vector<double> values = y.to_vector();
      all.insert(all.end(), values.begin(), values.end());
    }
  return all;
}

}  // namespace

TEST_CASE("views of a batch are those of its images, whether pixels are sent or resident") {
  const auto set = open_dataset(samples, Split::train);
  const ViewRecipe recipe = view_recipe("simclr-cifar");
  const Resident resident(*set, engine::cpu, 2);
  REQUIRE(resident.places.size() == set->size());
  CHECK(resident.pixels.numel() == set->pixel_bytes());

  LoaderOptions indices = options;
  indices.pixels = false;
  Loader loader(*set, options), index_loader(*set, indices);
  ViewBatches sent(recipe, 2, 32, 9, engine::cpu, DType::f32),
      there(recipe, 2, 32, 9, engine::cpu, DType::f32, &resident);
  Batch batch, index_batch;
  for (int i = 0; i < 5; ++i) {
    loader.next(batch);
    index_loader.next(index_batch);
    REQUIRE(batch.samples == index_batch.samples);
    REQUIRE(batch.labels == index_batch.labels);
    CHECK(index_batch.pixels.size() == 0);
    const std::vector<double> views = sent(batch).to_vector();
    CHECK(views == there(index_batch).to_vector());
    if (i > 2) CHECK(views == expected_views(*set, batch, recipe, 2, 32, 9));
  }
}

TEST_CASE("each view has its own recipe, and the same draws as with one recipe") {
  const auto set = open_dataset(samples, Split::train);
  ViewRecipe plain = view_recipe("simclr-cifar"), solarized = plain;
  solarized.solarize_p = 1;
  const Batch batch = Loader(*set, options).next();
  const auto views = [&](const std::vector<ViewRecipe>& recipes) {
    return ViewBatches(recipes, 32, 9, engine::cpu, DType::f32)(batch).to_vector();
  };
  const auto both = views({plain, solarized}), alike = views({plain, plain}),
             other = views({solarized, plain});
  const auto half = std::ptrdiff_t(both.size() / 2);
  CHECK(std::equal(both.begin(), both.begin() + half, alike.begin()));
  CHECK_FALSE(std::equal(both.begin() + half, both.end(), alike.begin() + half));
  CHECK(std::equal(other.begin() + half, other.end(), alike.begin() + half));
}

TEST_CASE("images of any size can be resident") {
  const Sizes set;
  CHECK_FALSE(worth_residing(set, engine::cpu));
  for (const int threads : {0, 3}) {
    const Resident resident(set, engine::cpu, threads);
    std::int64_t end = 0;
    for (std::size_t i = 0; i < set.size(); ++i) {
      const Image image = set.image(i);
      const Place& p = resident.places[i];
      CHECK(p.offset == end);
      CHECK(p.height == image.height);
      CHECK(p.width == image.width);
      end += std::int64_t(image.pixels.size());
      CHECK(std::equal(image.pixels.begin(), image.pixels.end(),
                       resident.pixels.data<std::uint8_t>() + p.offset));
    }
    CHECK(resident.pixels.numel() == end);
  }
}

TEST_CASE("replacements of bad images are the same with sent and resident pixels, in every epoch") {
  const Sizes set, broken(true);
  for (const std::uint64_t seed : {0, 2}) {
    LoaderOptions sending{.batch = 150, .threads = 1, .seed = seed, .bad_images = BadImages::skip};
    LoaderOptions indices = sending;
    indices.pixels = false;
    const Resident resident(broken, engine::cpu, 2, BadImages::skip, seed);
    CHECK(resident.skipped.size() == 100);
    Loader loader(broken, sending), index_loader(broken, indices);
    const ViewRecipe recipe = view_recipe("simclr-cifar");
    ViewBatches sent({recipe, recipe}, 8, seed, engine::cpu, DType::f32, nullptr, true),
        there({recipe, recipe}, 8, seed, engine::cpu, DType::f32, &resident, true);
    CHECK_FALSE(sent.labels().defined());
    for (int i = 0; i < 5; ++i) {  // of three epochs
      const Batch batch = loader.next();
      const std::vector<double> views = sent(batch).to_vector();
      CHECK(views == there(index_loader.next()).to_vector());
      CHECK(views == expected_views(set, batch, recipe, 2, 8, seed));
      std::vector<double> labels;  // of the images that took the places of bad ones
      for (int v = 0; v < 2; ++v)
        for (const std::uint32_t sample : batch.samples) labels.push_back(set.label(sample));
      CHECK(sent.labels().to_vector() == labels);
      CHECK(there.labels().to_vector() == labels);
    }
  }
}

TEST_CASE("staging and making views of a warm batch never waits, and makes the same launches") {
  const auto set = open_dataset(samples, Split::train);
  const Resident resident(*set, engine::cpu, 1);
  for (const bool is_resident : {false, true}) {
    LoaderOptions o = options;
    o.pixels = !is_resident;
    Loader loader(*set, o);
    const ViewRecipe recipe = view_recipe("simclr-cifar");
    ViewBatches views({recipe, recipe}, 32, 9, engine::cpu, DType::f32, is_resident ? &resident : nullptr,
                      true);
    kernels::LaunchLog staged[6], made[6];
    Batch batch;
    int layout = 0;
    for (int i = 0; i < 6; ++i) {
      loader.next(batch);
      std::optional<engine::NoHostWait> none;
      if (i > 1) none.emplace();
      kernels::launch_log() = &staged[i];
      views.stage(batch);
      kernels::launch_log() = &made[i];
      views.make();
      kernels::launch_log() = nullptr;
      if (i == 0) layout = views.layout();
      CHECK(views.layout() == layout);
    }
    CHECK(made[4].entries.size() == 1);
    CHECK(made[4].entries == made[5].entries);
    CHECK(staged[2].entries == staged[4].entries);  // the ring alternates between its slots
    CHECK(staged[3].entries == staged[5].entries);
    CHECK((staged[4].entries == staged[5].entries) == is_resident);
  }
}

// Derives the order of the logged work on the two queues (vector clocks).
TEST_CASE(
    "a batch's copy is ordered after the views that read its memory, and overlaps with the previous batch") {
  using engine::Queue;
  kernels::LaunchLog words;
  words.add("queues", Queue::compute, Queue::copy);
  const std::string compute = words.entries[0].arguments[0], copy = words.entries[0].arguments[1];
  using Clock = std::map<std::string, int>;  // by queue: how much of its work is certainly done
  std::map<std::string, Clock> now, marks;
  const auto join = [](Clock& a, const Clock& b) {
    for (const auto& [queue, time] : b) a[queue] = std::max(a[queue], time);
  };

  const auto set = open_dataset(samples, Split::train);
  Loader loader(*set, options);
  ViewBatches views(view_recipe("simclr-cifar"), 2, 32, 9, engine::cpu, DType::f32);
  kernels::LaunchLog log;
  kernels::launch_log() = &log;
  for (int i = 0; i < 8; ++i) views(loader.next());
  kernels::launch_log() = nullptr;

  struct Work {
    Clock known;
    int time;
    std::string address;
  };
  std::vector<Work> copies, augments;
  for (const auto& e : log.entries) {
    if (e.launcher == "event_record") {
      marks[e.arguments[0]] = now[e.arguments[1]];
    } else if (e.launcher == "event_hold") {
      join(now[e.arguments[1]], marks[e.arguments[0]]);
    } else if (e.launcher == "copy_to_device" && e.arguments[2] == copy) {
      copies.push_back({now[copy], ++now[copy][copy], e.arguments[0]});
    } else if (e.launcher == "augment") {
      augments.push_back({now[compute], ++now[compute][compute], ""});
    }
  }
  REQUIRE(copies.size() == 8);
  REQUIRE(augments.size() == 8);
  for (std::size_t i = 0; i < 8; ++i) CHECK(augments[i].known[copy] >= copies[i].time);
  for (std::size_t i = 3; i < 8; ++i) {
    CHECK(copies[i].address == copies[i - 2].address);
    CHECK(copies[i].known[compute] >= augments[i - 2].time);
    CHECK(copies[i].known[compute] < augments[i - 1].time);
  }
}

TEST_CASE("larger batches get more memory and another layout") {
  const auto set = open_dataset(samples, Split::train);
  const ViewRecipe recipe = view_recipe("cifar");
  ViewBatches views(recipe, 1, 32, 0, engine::cpu, DType::f32);
  int layout = 0;
  for (const int size : {8, 8, 20, 20, 8, 8}) {
    Loader loader(*set, {.batch = size, .shuffle = false, .threads = 0});
    const Batch batch = loader.next();
    const int before = views.layout();
    CHECK(views(batch).to_vector() == expected_views(*set, batch, recipe, 1, 32, 0));
    layout += views.layout() != before;
  }
  CHECK(layout == 3);
}
