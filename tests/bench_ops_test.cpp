// dyad bench ops: which rows it has, and what it refuses. No time is expected to be anything.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/bench_compare.h"
#include "apps/bench_times.h"
#include "apps/cli.h"
#include "engine/error.h"
#include "engine/gradcheck.h"
#include "tests/scratch.h"

namespace {

std::string refused(const std::vector<std::string>& arguments) {
  std::ostringstream out, err;
  CHECK(apps::run_command_line(arguments, out, err) == 2);
  return err.str();
}

}  // namespace

TEST_CASE("bench ops: a row for each shape of the card") {
  const Scratch scratch;
  std::ostringstream out, err;
  REQUIRE(
      apps::run_command_line({"bench", "ops", "--op", "^(linear/no bias|softmax_cross_entropy)$", "--repeat",
                              "1", "--json", scratch.path("ops.json"), "--csv", scratch.path("ops.csv")},
                             out, err) == 0);
  const auto result = nlohmann::json::parse(scratch.read("ops.json"));
  CHECK(result["device"] == "cpu");
  REQUIRE(result["rows"].size() == 3);
  const auto &linear = result["rows"][0], &loss = result["rows"][1];
  CHECK(linear["op"] == "linear/no bias");
  CHECK(linear["shape"] == "(1024,512,128)");
  CHECK(linear["bytes"] == (1024 * 512 + 512 * 128 + 1024 * 128) * 4);  // two inputs and the output
  CHECK(linear.contains("gflop_s"));
  CHECK(linear["forward_backward"]["p5"] <= linear["forward_backward"]["median"]);
  CHECK(loss["op"] == "softmax_cross_entropy");
  CHECK(loss["bytes"] == (512 * 10 + 512 + 1) * 4);
  CHECK_FALSE(loss.contains("gflop_s"));  // its card has no FLOPs
  CHECK(linear["floor_part"] > 0);
  CHECK(result["copy_gb_s"] > 0);
  CHECK(result["gemm_gflop_s"] > 0);
  const std::string csv = scratch.read("ops.csv");
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 4);
  CHECK(csv.find("\nlinear/no bias,\"(1024,512,128)\",") != std::string::npos);
}

TEST_CASE("bench ops: mistakes") {
  CHECK(refused({"bench", "ops", "--op", "xyzzy"}) ==
        "dyad bench ops: --op xyzzy matches no op; dyad gradcheck --list shows them\n");
  CHECK(refused({"bench", "ops", "--op", "^reshape$"}) ==
        "dyad bench ops: --op ^reshape$ matches no op that has benchmark shapes in f32\n");
  CHECK(refused({"bench", "ops", "--device", "tpu"}) ==
        "dyad bench ops: device is \"tpu\", expected cpu, cuda or cuda:N\n");
  CHECK(refused({"bench", "ops", "--repeat", "0"}) ==
        "dyad bench ops: --repeat is 0, expected 1 to 1000000\n");
}

// Nobody waits for a benchmark's inputs that inputs() would draw again and again.
TEST_CASE("bench ops: inputs of a benchmark have the card's shapes") {
  for (const engine::OpCase& c : engine::OpCase::all()) {
    if (!c.bench_inputs) continue;
    INFO(c.name);
    CHECK_FALSE(c.bench.empty());
    engine::Random random(1, 0, 0, 0), same(1, 0, 0, 0);
    const auto a = c.bench_inputs(c.check[0], random), b = c.inputs(c.check[0], same);
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      CHECK(a[i].shape() == b[i].shape());
      CHECK(bool(a[i].node()) == bool(b[i].node()));
    }
  }
}

namespace {

// 20 runs of a program that takes `seconds`; noise makes some of them longer, by up to 60 %.
nlohmann::json runs_of(double seconds, std::uint64_t seed) {
  engine::Random random(seed, 0, 0, 0);
  std::vector<double> times;
  for (int i = 0; i < 20; ++i) {
    const double u = random.uniform(0, 1);
    times.push_back(seconds * (1 + 0.01 * random.uniform(0, 1) + (u > 0.7 ? 0.6 * (u - 0.7) / 0.3 : 0)));
  }
  return {{"rows", {{{"op", "relu"}, {"shape", "(3)"}, {"forward", apps::as_json(apps::times_of(times))}}}}};
}

}  // namespace

TEST_CASE("bench compare: noise is no change, 15 % is one") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto a = runs_of(1, 2 * seed), b = runs_of(1, 2 * seed + 1), c = runs_of(1.15, 1000 + seed);
    CHECK(apps::compare_benches(a, b)[0].verdict == apps::BenchChange::same);
    CHECK(apps::compare_benches(a, c)[0].verdict == apps::BenchChange::slower);
    CHECK(apps::compare_benches(c, a)[0].verdict == apps::BenchChange::faster);
  }
  CHECK_THROWS_AS(apps::compare_benches(nlohmann::json{{"rows", nlohmann::json::array()}}, runs_of(1, 1)),
                  engine::DataError);
  CHECK_THROWS_AS(apps::compare_benches(nlohmann::json::object(), runs_of(1, 1)), engine::DataError);
}

TEST_CASE("bench: percentiles") {
  const apps::Times t = apps::times_of({3, 1, 2, 5, 4});
  CHECK(t.p5 == 1);
  CHECK(t.median == 3);
  CHECK(t.p95 == 5);
}
