// Approximate indexes find most of the exact search's rows, and give their exact cosines. Without FAISS, a
// line says so.
#include "apps/embedding/approximate_search.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/files/safetensors.h"
#include "engine/ops.h"
#include "tests/support/scratch.h"

using namespace engine;

namespace {

constexpr std::int64_t kPoints = 10'000, kValues = 16;

// Unit vectors around 100 others.
Tensor clustered_points() {
  std::uint64_t state = 1;
  const auto number = [&state] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return float(state >> 40) * 0x1p-24f - 0.5f;
  };
  std::vector<float> centres(100 * kValues);
  for (float& v : centres) v = number();
  const Tensor points({kPoints, kValues}, DType::f32, cpu);
  for (std::int64_t i = 0; i < points.numel(); ++i)
    points.data<float>()[i] = centres[std::size_t(i % std::int64_t(centres.size()))] + 0.4f * number();
  return l2_normalize(points);
}

bool has_faiss() {
  const std::string line = message_of<UsageError>([] { apps::require_approximate("hnsw", kPoints); });
  CHECK((line.empty() ||
         line.starts_with("--kind hnsw: this dyad is built without FAISS, expected --kind exact")));
  return line.empty();
}

}  // namespace

TEST_CASE("approximate search: nine of ten neighbours of the exact search, with their cosines") {
  const Scratch scratch;
  const std::string path = scratch.path("i.safetensors");
  std::string names;
  for (std::int64_t i = 0; i < kPoints; ++i) names += "x\n";
  const Tensor text({std::int64_t(names.size())}, DType::u8, cpu), points = clustered_points();
  std::copy(names.begin(), names.end(), text.data<std::uint8_t>());
  write_safetensors(path, {{{"features", points}, {"names", text}}, {{"normalized", "true"}}});
  const apps::EmbeddingFile file(path);
  if (!has_faiss()) {
    CHECK_THROWS_AS(apps::build_approximate(file, "hnsw"), UsageError);
    CHECK_THROWS_AS(apps::ApproximateIndex{file}, UsageError);
    return;
  }
  const auto exact = apps::nearest_rows(file, points.slice(500, 50), 10, cpu);
  for (const char* kind : {"ivf-pq", "hnsw"}) {
    CAPTURE(kind);
    const std::string line = apps::build_approximate(file, kind);
    CHECK(std::stod(line.substr(std::string("recall@10 ").size())) >= 0.95);
    const auto found = apps::ApproximateIndex(file).nearest(points.slice(500, 50), 10);
    int same = 0;
    for (std::size_t q = 0; q < exact.size(); ++q) {
      CHECK(std::ranges::is_sorted(found[q], apps::is_nearer));
      for (const apps::FoundRow& f : found[q]) same += int(std::ranges::count(exact[q], f));
    }
    CHECK(same >= 450);
  }
  CHECK(message_of<UsageError>([] { apps::require_approximate("ivf-pq", 9'999); }) ==
        "--kind ivf-pq: there are 9999 rows, expected at least 10000, or --kind exact");
  write_safetensors(path, {{{"features", points.slice(0, 1)}, {"names", text.slice(0, 2)}}, {}});
  const apps::EmbeddingFile other(path);
  CHECK(message_of<DataError>([&] { apps::ApproximateIndex{other}; }) ==
        scratch.path("i.faiss") + ": has 10000 rows of 16 values, expected 1 of 16 as " + path);
  scratch.write("i.faiss", "IwPQ and no more");
  CHECK(message_of<DataError>([&] { apps::ApproximateIndex{other}; }) ==
        scratch.path("i.faiss") + ": can't be read, expected FAISS's index of " + path);
}
