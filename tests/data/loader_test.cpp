#include "data/loader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <numeric>

#include "engine/error.h"
#include "tests/support/scratch.h"

using namespace data;
using engine::DataError;

namespace {

// Images of different sizes, whose bytes identify them.
class Fake : public Dataset {
 public:
  explicit Fake(std::size_t size) : size_(size) {}
  Kind kind() const override { return Kind::image_folder; }
  std::size_t size() const override { return size_; }
  const std::vector<std::string>& classes() const override { return classes_; }
  int label(std::size_t i) const override { return int(i % 7); }
  std::string name(std::size_t i) const override { return "image " + std::to_string(i); }
  void read(std::size_t i, Image& into) const override {
    ++decoded;
    if (std::ranges::find(bad, i) != bad.end()) throw DataError(name(i) + ": is broken");
    if (i == unnamed) throw std::runtime_error("out of luck");
    const int height = 1 + int(i % 5), width = 1 + int(i % 3), channels = i == gray ? 1 : 3;
    into = {height, width,
            std::vector<std::uint8_t>(std::size_t(height * width * channels), std::uint8_t(i))};
  }

  std::vector<std::size_t> bad;           // images that can't be decoded
  std::size_t gray = ~std::size_t(0);     // image with one byte a pixel
  std::size_t unnamed = ~std::size_t(0);  // image that fails with a message that names no image
  mutable std::atomic<int> decoded{0};

 private:
  std::size_t size_;
  std::vector<std::string> classes_;
};

class Rank : public engine::Communicator {
 public:
  Rank(int rank, int size) : rank_(rank), size_(size) {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void all_reduce_sum(const engine::Tensor&) override {}
  engine::Tensor all_gather(const engine::Tensor& rows, const std::vector<std::int64_t>&) override {
    return rows;
  }
  engine::Tensor reduce_scatter_sum(const engine::Tensor& rows) override { return rows; }
  void broadcast(const engine::Tensor&, int) override {}
  void barrier() override {}

 private:
  int rank_, size_;
};

// The whole content of a batch as text, for comparisons.
std::string text_of(const Batch& b) {
  std::string text = engine::concat_text(b.epoch, ":", b.index, " ");
  for (std::size_t i = 0; i < b.samples.size(); ++i)
    text += engine::concat_text(b.samples[i], "/", b.labels[i], "/", b.height[i], "x", b.width[i], "@",
                                b.offset[i], " ");
  return text + std::string(b.pixels.data(), b.pixels.data() + b.pixels.size());
}

std::vector<std::string> read(Loader& loader, std::int64_t count) {
  std::vector<std::string> texts;
  Batch batch;
  for (std::int64_t i = 0; i < count; ++i) {
    loader.next(batch);
    texts.push_back(text_of(batch));
  }
  return texts;
}

}  // namespace

TEST_CASE("loader: a batch holds its images concatenated") {
  const Fake set(50);
  Loader loader(set, {.batch = 20, .threads = 2, .seed = 3});
  const Batch batch = loader.next();
  REQUIRE(batch.size() == 20);
  CHECK(std::uintptr_t(batch.pixels.data()) % 64 == 0);
  std::int64_t end = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    const Image image = set.image(batch.samples[i]);
    CHECK(batch.offset[i] == end);
    CHECK(batch.height[i] == image.height);
    CHECK(batch.width[i] == image.width);
    CHECK(batch.labels[i] == set.label(batch.samples[i]));
    CHECK(std::equal(image.pixels.begin(), image.pixels.end(), batch.pixels.data() + end));
    end += std::int64_t(image.pixels.size());
  }
  CHECK(std::int64_t(batch.pixels.size()) == end);
}

TEST_CASE("loader: fewer batches are decoded ahead if they are large, but always one") {
  CHECK(data::batches_ahead(0, 3) == 3);
  CHECK(data::batches_ahead(100e6, 3) == 3);
  CHECK(data::batches_ahead(200e6, 3) == 2);
  CHECK(data::batches_ahead(9e9, 3) == 1);
}

TEST_CASE("loader: keeps a data set that it is given") {
  Loader loader(std::make_unique<Fake>(12), {.batch = 4, .threads = 2});
  for (int i = 0; i < 4; ++i) CHECK(loader.next().size() == 4);
  static_assert(!std::is_constructible_v<Loader, Fake, LoaderOptions>, "a temporary would not outlive it");
}

TEST_CASE("loader: the same batches with 0, 1 and 4 threads and any prefetch") {
  const Fake set(101);
  std::vector<std::string> expected;
  for (const int threads : {0, 1, 4})
    for (const int prefetch : {1, 3}) {
      Loader loader(set,
                    {.batch = 16, .drop_last = false, .threads = threads, .prefetch = prefetch, .seed = 5});
      CHECK(loader.batches_per_epoch() == 7);
      const auto got = read(loader, 20);
      if (expected.empty()) expected = got;
      CHECK(got == expected);
    }
}

TEST_CASE("loader: seed and epoch decide the order") {
  CHECK(permutation(1000, 1, 0) == permutation(1000, 1, 0));
  CHECK(permutation(1000, 1, 0) != permutation(1000, 2, 0));
  CHECK(permutation(1000, 1, 0) != permutation(1000, 1, 1));
  CHECK(permutation(0, 1, 0).empty());
  // every sample is equally often at every place: 6 orders of 3, 6,000 draws, 6 deviations of the binomial
  std::vector<int> count(27);
  for (std::uint32_t epoch = 0; epoch < 6000; ++epoch) {
    const auto p = permutation(3, 9, epoch);
    ++count[p[0] * 9 + p[1] * 3 + p[2]];
  }
  int orders = 0;
  for (const int n : count)
    if (n > 0) {
      ++orders;
      CHECK(std::abs(n - 1000) < 173);
    }
  CHECK(orders == 6);
}

TEST_CASE("loader: every sample once per epoch; the incomplete batch is dropped or kept") {
  const Fake set(101);
  for (const bool drop : {false, true}) {
    Loader loader(set, {.batch = 25, .drop_last = drop, .threads = 2, .seed = 1});
    std::vector<std::vector<std::uint32_t>> epochs(2);
    for (int b = 0; b < 2 * int(loader.batches_per_epoch()); ++b) {
      const Batch batch = loader.next();
      CHECK(batch.epoch == b / loader.batches_per_epoch());
      CHECK(batch.index == b % loader.batches_per_epoch());
      CHECK(batch.size() == (batch.index == 4 ? 1 : 25));
      auto& seen = epochs[std::size_t(batch.epoch)];
      seen.insert(seen.end(), batch.samples.begin(), batch.samples.end());
    }
    CHECK(epochs[0] != epochs[1]);
    for (auto& seen : epochs) {
      CHECK(seen.size() == (drop ? 100 : 101));
      std::ranges::sort(seen);
      CHECK(std::ranges::adjacent_find(seen) == seen.end());
      CHECK(seen.back() < 101);
    }
  }
}

TEST_CASE("loader: without shuffling the order is the data set's, in every epoch") {
  const Fake set(10);
  Loader loader(set, {.batch = 4, .shuffle = false, .drop_last = false, .threads = 1});
  std::vector<std::uint32_t> seen;
  for (int b = 0; b < 6; ++b)
    for (const std::uint32_t sample : loader.next().samples) seen.push_back(sample);
  REQUIRE(seen.size() == 20);
  for (std::size_t i = 0; i < 20; ++i) CHECK(seen[i] == i % 10);
}

TEST_CASE("loader: the ranks' batches concatenated equal the batch of one rank") {
  const Fake set(50);
  const LoaderOptions options{.batch = 12, .drop_last = false, .threads = 2, .seed = 4};
  Loader whole(set, options);
  for (const int ranks : {2, 3}) {
    whole.seek(0, 0);
    std::vector<std::unique_ptr<Rank>> communicators;
    std::vector<std::unique_ptr<Loader>> parts;
    for (int r = 0; r < ranks; ++r) {
      communicators.push_back(std::make_unique<Rank>(r, ranks));
      parts.push_back(std::make_unique<Loader>(set, options, *communicators.back()));
    }
    for (int b = 0; b < 10; ++b) {
      std::vector<std::uint32_t> together;
      std::string pixels;
      for (const auto& part : parts) {
        const Batch batch = part->next();
        if (b % 5 != 4) CHECK(batch.size() == 12 / ranks);
        together.insert(together.end(), batch.samples.begin(), batch.samples.end());
        pixels.append(batch.pixels.data(), batch.pixels.data() + batch.pixels.size());
      }
      const Batch batch = whole.next();
      CHECK(together == batch.samples);
      CHECK(pixels == std::string(batch.pixels.data(), batch.pixels.data() + batch.pixels.size()));
    }
  }
}

TEST_CASE("loader: a rank without rows in the last batch gets an empty one") {
  const Fake set(9);
  const Rank first(0, 4);
  Loader loader(set, {.batch = 8, .drop_last = false, .threads = 1}, first);
  CHECK(loader.next().size() == 2);
  CHECK(loader.next().size() == 0);
  CHECK(loader.next().epoch == 1);
}

TEST_CASE("loader: seek gives the same batches as reading up to there") {
  const Fake set(61);
  for (const int threads : {0, 3}) {
    Loader through(set, {.batch = 10, .threads = threads, .seed = 8});
    const auto expected = read(through, 24);  // 4 epochs of 6
    Loader loader(set, {.batch = 10, .threads = threads, .seed = 8});
    for (const std::int64_t at : {13, 0, 23, 6, 5}) {
      loader.seek(at / 6, at % 6);
      const auto got = read(loader, std::min<std::int64_t>(3, 24 - at));
      CHECK(std::equal(got.begin(), got.end(), expected.begin() + at));
    }
    CHECK_THROWS_AS(loader.seek(0, 6), std::invalid_argument);
    CHECK_THROWS_AS(loader.seek(-1, 0), std::invalid_argument);
  }
}

TEST_CASE("loader: an image that can't be decoded is an error of next(), the same for any threads") {
  for (const int threads : {0, 1, 4}) {
    Fake set(64);
    set.bad = {45, 35, 36, 60};  // rows of different threads
    set.unnamed = 16;
    Loader loader(set, {.batch = 16, .shuffle = false, .threads = threads});
    CHECK(read(loader, 1).size() == 1);
    CHECK(message_of<DataError>([&] { loader.next(); }) == "image 16: out of luck");
    loader.seek(0, 2);
    for (int again = 0; again < 2; ++again)
      CHECK(message_of<DataError>([&] { loader.next(); }) == "image 35: is broken");
    loader.seek(0, 0);
    CHECK(loader.next().size() == 16);
    Fake other(64);
    other.gray = 4;
    CHECK(message_of<DataError>([&] {
            Loader(other, {.batch = 16, .shuffle = false, .threads = threads}).next();
          }) == "image 4: 10 bytes for 5 x 2 pixels, expected 30 (RGB)");
  }
}

TEST_CASE("loader: a bad image is replaced and reported, the same for any threads") {
  Fake set(64);
  set.bad = {45, 35, 36, 60};
  std::vector<std::string> expected;
  for (const int threads : {0, 1, 4}) {
    Loader loader(set, {.batch = 16, .threads = threads, .seed = 3, .bad_images = BadImages::skip});
    const auto got = read(loader, 8);
    if (expected.empty()) expected = got;
    CHECK(got == expected);

    loader.seek(0, 0);
    std::vector<std::uint32_t> read_first;
    for (int epoch = 0; epoch < 2; ++epoch) {
      std::vector<std::string> skipped;
      std::vector<std::uint32_t> all;
      for (int b = 0; b < 4; ++b) {
        const Batch batch = loader.next();
        CHECK(batch.size() == 16);
        skipped.insert(skipped.end(), batch.skipped.begin(), batch.skipped.end());
        for (std::size_t i = 0; i < 16; ++i) {
          const std::uint32_t sample = batch.samples[i];
          all.push_back(sample);
          CHECK(std::ranges::find(set.bad, sample) == set.bad.end());
          CHECK(batch.labels[i] == set.label(sample));
          CHECK(batch.pixels.data()[batch.offset[i]] == sample);
        }
      }
      std::ranges::sort(skipped);
      CHECK(skipped == std::vector<std::string>{"image 35: is broken", "image 36: is broken",
                                                "image 45: is broken", "image 60: is broken"});
      std::ranges::sort(all);
      if (epoch == 0) read_first = all;
      CHECK(all == read_first);  // the same images in place of the bad ones
    }
  }
}

TEST_CASE("loader: skipping fails if nearly all images are bad, and skips only DataErrors") {
  Fake set(64);
  for (std::size_t i = 0; i < 63; ++i) set.bad.push_back(i);
  Loader loader(set, {.batch = 8, .shuffle = false, .threads = 2, .bad_images = BadImages::skip});
  CHECK(message_of<DataError>([&] {
          loader.next();
        }).ends_with(": is broken (and none of 16 drawn in its place can be read)"));
  Fake unlucky(64);
  unlucky.unnamed = 3;
  Loader other(unlucky, {.batch = 8, .shuffle = false, .threads = 2, .bad_images = BadImages::skip});
  CHECK(message_of<DataError>([&] { other.next(); }) == "image 3: out of luck");
}

TEST_CASE("loader: it can be destroyed at any time") {
  const Fake set(1000);
  for (int after = 0; after < 20; ++after) {
    Loader loader(set, {.batch = 100, .threads = 4, .prefetch = 5, .seed = 1});
    for (int b = 0; b < after % 4; ++b) loader.next();
    if (after % 2) loader.seek(1, 3);
  }
  CHECK(set.decoded > 0);
}

TEST_CASE("loader: the wait is measured, and batches' memory is reused") {
  const Fake set(300);
  Loader loader(set, {.batch = 150, .shuffle = false, .threads = 0});
  CHECK(loader.wait_seconds() == 0);
  Batch batch;
  loader.next(batch);
  const double first = loader.wait_seconds();
  CHECK(first > 0);
  const std::uint8_t* memory = batch.pixels.data();
  loader.next(batch);
  loader.next(batch);
  CHECK(batch.pixels.data() == memory);
  CHECK(loader.wait_seconds() > first);
}

TEST_CASE("loader: wrong options are refused") {
  const Fake set(10), none(0);
  const Rank second(1, 5);
  CHECK_THROWS_AS(Loader(set, {.batch = 11}), engine::UsageError);
  CHECK_THROWS_AS(Loader(none, {.batch = 1, .drop_last = false}), engine::UsageError);
  CHECK_THROWS_AS(Loader(set, {.batch = 0}), engine::UsageError);
  CHECK_THROWS_AS(Loader(set, {.batch = 4}, second), engine::UsageError);
  CHECK_THROWS_AS(Loader(set, {.batch = 4, .threads = -1}), std::invalid_argument);
  CHECK_THROWS_AS(Loader(set, {.batch = 4, .prefetch = 0}), std::invalid_argument);
}
