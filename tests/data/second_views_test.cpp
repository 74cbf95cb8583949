// Shuffled second views: each rank makes those of its places, from the photographs of other ranks' samples.
#include "data/second_views.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "data/view_batch.h"
#include "tests/support/ranks.h"

using namespace data;
using engine::Tensor;

namespace {

constexpr int kBatch = 22, kSize = 8;  // uneven for three ranks
constexpr std::uint64_t kSeed = 5;

struct Made {
  Batch batch;
  std::vector<double> first, second;  // views
  std::vector<std::int32_t> places;
};

// The second batch of the first epoch. skip: how many batches before it.
Made made(engine::Communicator& comm, bool shuffled, int skip = 1) {
  const auto dataset = open_dataset("data/samples", Split::train);
  Loader loader(*dataset, {.batch = kBatch, .threads = 0, .seed = kSeed, .shuffle_second = shuffled}, comm);
  ViewBatches views(view_recipe("simclr-cifar"), 2, kSize, kSeed, engine::cpu, engine::DType::f32);
  Made m;
  for (int i = 0; i < skip; ++i) loader.next();
  m.batch = loader.next();
  const Tensor all = views(m.batch);
  const std::int64_t n = all.dim(0) / 2;
  m.first = all.slice(0, n).to_vector();
  m.second = all.slice(n, n).to_vector();
  if (const Tensor places = views.second_places(); places.defined())
    for (const double place : places.to_vector()) m.places.push_back(std::int32_t(place));
  return m;
}

}  // namespace

TEST_CASE("second views are shuffled by a permutation of the batch, another one for each batch") {
  const Made plain = made(engine::single(), false), shuffled = made(engine::single(), true);
  CHECK(plain.batch.second.empty());
  CHECK(plain.places.empty());
  CHECK(shuffled.batch.samples == plain.batch.samples);
  CHECK(shuffled.first == plain.first);
  CHECK(shuffled.places == shuffled.batch.second_places);
  REQUIRE(shuffled.places.size() == kBatch);
  std::vector<std::int32_t> sorted = shuffled.places;
  std::sort(sorted.begin(), sorted.end());
  for (int i = 0; i < kBatch; ++i) CHECK(sorted[std::size_t(i)] == i);
  CHECK(sorted != shuffled.places);
  const std::size_t view = kSize * kSize * 3;
  for (std::size_t i = 0; i < kBatch; ++i)
    CHECK(std::memcmp(plain.second.data() + i * view,
                      shuffled.second.data() + std::size_t(shuffled.places[i]) * view,
                      view * sizeof(double)) == 0);
  CHECK(made(engine::single(), true, 2).places != shuffled.places);
  CHECK(made(engine::single(), true).places == shuffled.places);
  CHECK(second_order(kBatch, kSeed, 1, 1) != second_order(kBatch, kSeed, 0, 1));
  CHECK(second_order(kBatch, kSeed + 1, 0, 1) != second_order(kBatch, kSeed, 0, 1));
}

TEST_CASE("ranks make the shuffled second views of one rank, each image loaded once by a rank") {
  const Made one = made(engine::single(), true);
#ifdef DYAD_SIMT_ONLY  // ThreadSanitizer maps thousands of pieces of memory for the fibers of each rank
  const std::vector<int> all = {2, 3};
#else
  const std::vector<int> all = {2, 3, 8};
#endif
  for (const int ranks : all) {
    CAPTURE(ranks);
    std::vector<Made> of{std::size_t(ranks)};
    on_ranks(ranks, [&](engine::Communicator& comm) { of[std::size_t(comm.rank())] = made(comm, true); });
    std::vector<double> first, second;
    std::size_t of_others = 0;
    for (const Made& m : of) {
      first.insert(first.end(), m.first.begin(), m.first.end());
      second.insert(second.end(), m.second.begin(), m.second.end());
      CHECK(m.places == one.places);
      of_others += m.batch.samples.size() - m.batch.second.size();
      std::vector<std::uint32_t> samples = m.batch.samples;
      std::sort(samples.begin(), samples.end());
      CHECK(std::adjacent_find(samples.begin(), samples.end()) == samples.end());
    }
    CHECK(first == one.first);
    CHECK(second == one.second);
    CHECK(of_others > 0);
  }
}
