// dyad bench ops: its rows, and its error messages. No test depends on a measured time.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/bench/compare.h"
#include "apps/bench/roofline.h"
#include "apps/bench/significance.h"
#include "apps/bench/times.h"
#include "apps/cli/cli.h"
#include "engine/check/gradcheck.h"
#include "engine/error.h"
#include "tests/support/markup.h"
#include "tests/support/scratch.h"

namespace {

std::string refused(const std::vector<std::string>& arguments) {
  std::ostringstream out, err;
  CHECK(apps::run_command_line(arguments, out, err) == 2);
  return err.str();
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

// Writes a script for /bin/sh; returns its path.
std::string script(const Scratch& scratch, const std::string& name, const std::string& lines) {
  const std::string path = scratch.write(name, "#!/bin/sh\n" + lines);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

}  // namespace

TEST_CASE("bench ops: every card has shapes, but reshape, which launches nothing") {
  for (const engine::OpCase& c : engine::OpCase::all()) {
    CAPTURE(c.name);
    CHECK(c.bench.empty() == (std::string(c.name) == "reshape"));
  }
}

TEST_CASE("roofline: each point once, with its title") {
  const apps::RooflinePoint none{"a<b", "(3)", "forward", 0, 1e9, 0.2, 0.5};
  const apps::RooflinePoint some{"linear", "(4)", "forward and backward", 2e12, 1e9, 4, 0.5};
  const std::string svg = apps::roofline({none, some, none, some}, {10, 1000});
  CHECK(malformed(svg) == "");
  CHECK(count(svg, "<title>a&lt;b (3), forward: 200 ms, 50 % of the floor</title>") == 2);
  CHECK(count(svg, "<title>linear (4), forward and backward: 4,000 ms, 50 % of the floor</title>") == 2);
  CHECK(count(svg, "class=\"both\"") == 3);  // one more in the legend
  CHECK(svg.find("prefers-color-scheme: dark") != std::string::npos);
  for (const char* outside : {"url(", "<link", "<script", "@import"})
    CHECK(svg.find(outside) == std::string::npos);
}

TEST_CASE("bench ops: a row for each shape of the card") {
  const Scratch scratch;
  std::ostringstream out, err;
  REQUIRE(apps::run_command_line({"bench", "ops", "--op", "^(linear/no bias|softmax_cross_entropy)$",
                                  "--repeat", "1", "--rounds", "2", "--json", scratch.path("ops.json"),
                                  "--csv", scratch.path("ops.csv"), "--roofline", scratch.path("ops.svg")},
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
  CHECK_FALSE(loss.contains("gflop_s"));  // its card declares no FLOPs
  CHECK(linear["floor_part"] > 0);
  CHECK(result["copy_gb_s"] > 0);
  CHECK(result["gemm_gflop_s"] > 0);
  const std::string csv = scratch.read("ops.csv");
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 4);
  CHECK(csv.find("\nlinear/no bias,\"(1024,512,128)\",") != std::string::npos);
  CHECK(result["cache"] == "cold");
  CHECK(linear["forward"].contains("noisy"));
  CHECK(linear["forward"]["rounds"].size() == 2);

  const std::string svg = scratch.read("ops.svg");
  CHECK(malformed(svg) == "");
  for (const auto& row : result["rows"])
    for (const char* pass : {", forward: ", ", forward and backward: "})
      CHECK(count(svg, "<title>" + row["op"].get<std::string>() + " " + row["shape"].get<std::string>() +
                           pass) == 1);
}

TEST_CASE("bench ops: without the floor") {
  const Scratch scratch;
  std::ostringstream out, err;
  REQUIRE(apps::run_command_line(
              {"bench", "ops", "--op", "^softmax_cross_entropy$", "--repeat", "1", "--rounds", "1", "--floor",
               "off", "--json", scratch.path("ops.json"), "--csv", scratch.path("ops.csv")},
              out, err) == 0);
  const auto result = nlohmann::json::parse(scratch.read("ops.json"));
  CHECK_FALSE(result.contains("copy_gb_s"));
  CHECK_FALSE(result["rows"][0].contains("floor_part"));
  CHECK(result["rows"][0]["forward"]["median"] > 0);
}

TEST_CASE("bench ops: mistakes") {
  CHECK(refused({"bench", "ops", "--op", "^relu$", "--floor", "off", "--roofline", "f.svg"}) ==
        "dyad bench ops: --roofline is of the machine's own speed, expected --floor on\n");
  CHECK(refused({"bench", "ops", "--op", "xyzzy"}) ==
        "dyad bench ops: --op xyzzy matches no op; dyad gradcheck --list shows them\n");
  CHECK(refused({"bench", "ops", "--op", "^reshape$"}) ==
        "dyad bench ops: --op ^reshape$ matches no op that has benchmark shapes in f32\n");
  CHECK(refused({"bench", "ops", "--device", "tpu"}) ==
        "dyad bench ops: device is \"tpu\", expected cpu, cuda or cuda:N\n");
  CHECK(refused({"bench", "ops", "--repeat", "0"}) ==
        "dyad bench ops: --repeat is 0, expected 1 to 1000000\n");
}

// inputs() may redraw until no value is near a kink, which would take too long at benchmark sizes.
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

nlohmann::json result_of(const std::vector<apps::Times>& rounds) {
  return {{"rows", {{{"op", "relu"}, {"shape", "(3)"}, {"forward", apps::as_json(rounds)}}}}};
}

// Times of 20 runs of a program that takes `seconds`. Noise makes some runs up to 60 % longer, and one in
// twenty ten times as long.
apps::Times round_of(double seconds, std::uint64_t seed) {
  engine::Random random(seed, 0, 0, 0);
  std::vector<double> times;
  for (int i = 0; i < 20; ++i) {
    const double u = random.uniform(0, 1);
    times.push_back(seconds * (1 + 0.01 * random.uniform(0, 1) + (u > 0.7 ? 0.6 * (u - 0.7) / 0.3 : 0)));
    if (u > 0.95) times.back() *= 10;
  }
  return apps::times_of(times);
}

// The result of `rounds` rounds of a program that takes `seconds`, but `odd` times as long in every third
// round.
nlohmann::json runs_of(double seconds, std::uint64_t seed, int rounds = 12, double odd = 1.1) {
  std::vector<apps::Times> all;
  for (int i = 0; i < rounds; ++i)
    all.push_back(round_of(seconds * (i % 3 == 0 ? odd : 1), 100 * seed + std::uint64_t(i)));
  return result_of(all);
}

apps::BenchChange::Verdict verdict(const std::vector<nlohmann::json>& before,
                                   const std::vector<nlohmann::json>& after) {
  return apps::compare_benches(before, after, 15).changes[0].verdict;
}

}  // namespace

TEST_CASE("bench compare: noise is no change, 15 % is one") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto a = runs_of(1, 4 * seed), b = runs_of(1, 4 * seed + 1), c = runs_of(1.15, 4 * seed + 2);
    CHECK(verdict({a}, {b}) == apps::BenchChange::same);
    CHECK(verdict({a}, {c}) == apps::BenchChange::slower);
    CHECK(verdict({c}, {a}) == apps::BenchChange::faster);
  }
  CHECK_THROWS_AS(apps::compare_benches({{{"rows", nlohmann::json::array()}}}, {runs_of(1, 1)}, 15),
                  engine::DataError);
  CHECK_THROWS_AS(apps::compare_benches({nlohmann::json::object()}, {runs_of(1, 1)}, 15), engine::DataError);
}

TEST_CASE("bench compare: a difference of 4 % in every round is no change, nor is a rare slowdown") {
  CHECK(verdict({runs_of(1, 1)}, {runs_of(1.04, 2)}) == apps::BenchChange::same);
  CHECK(verdict({runs_of(1, 1)}, {runs_of(1, 2, 12, 2)}) == apps::BenchChange::same);  // 4 rounds of 12
}

TEST_CASE("bench compare: the rounds of all results count, and too few are refused") {
  const auto a = runs_of(1, 1, 4), b = runs_of(1.3, 2, 4);
  CHECK(verdict({a, a}, {b, b}) == apps::BenchChange::slower);
  CHECK(
      message_of<engine::DataError>([&] { apps::print_changes(apps::compare_benches({a}, {b}, 15), 15); }) ==
      "4 rounds that were not interrupted can't tell a change in 1 figures from noise, expected at least "
      "6: more rounds or fewer ops");
}

TEST_CASE("bench compare: a false alarm in fewer than 2 of 100 comparisons of very noisy builds") {
  engine::Random random(7, 0, 0, 0);
  const auto result = [&] {  // 40 figures that vary by a factor of two
    nlohmann::json rows = nlohmann::json::array();
    for (int i = 0; i < 40; ++i) {
      std::vector<apps::Times> rounds;
      for (int r = 0; r < 20; ++r) rounds.push_back(apps::times_of({1 + random.uniform(0, 1)}));
      rows.push_back({{"op", std::to_string(i)}, {"shape", ""}, {"forward", apps::as_json(rounds)}});
    }
    return nlohmann::json{{"rows", rows}};
  };
  int alarms = 0;
  for (int i = 0; i < 300; ++i) {
    const auto changes = apps::compare_benches({result()}, {result()}, 15).changes;
    alarms += std::any_of(changes.begin(), changes.end(),
                          [](const auto& c) { return c.verdict != apps::BenchChange::same; });
  }
  CHECK(alarms <= 5);
}

TEST_CASE("bench compare: interrupted rounds are ignored") {
  const auto a = runs_of(1, 1), b = runs_of(2, 2);
  const auto two_rows = [](nlohmann::json result, bool interrupted) {
    auto other = result["rows"][0];
    other["op"] = "sum";
    for (auto& round : other["forward"]["rounds"]) round["interrupted"] = interrupted ? 0.6 : 0;
    result["rows"].push_back(other);
    return result;
  };
  const auto changes =
      apps::compare_benches({two_rows(a, false)}, {two_rows(b, true), two_rows(b, true)}, 15).changes;
  CHECK(changes[1].verdict == apps::BenchChange::unknown);
  auto half = two_rows(b, false);
  for (int i = 0; i < 6; ++i) half["rows"][1]["forward"]["rounds"][i]["interrupted"] = 0.6;
  const auto known = apps::compare_benches({two_rows(a, false)}, {half}, 15).changes;
  CHECK(known[0].verdict == apps::BenchChange::slower);
  CHECK(known[1].verdict == apps::BenchChange::unknown);
}

TEST_CASE("bench compare: merges a build's results, and counts figures that only one build has") {
  const auto named = [](const std::string& op, std::uint64_t seed) {
    auto result = runs_of(op == "sum" ? 1.0 + double(seed) : 1, seed);
    result["rows"][0]["op"] = op;
    return result;
  };
  const auto all = apps::compare_benches({named("relu", 1), named("sum", 1), named("mean", 1)},
                                         {named("relu", 2), named("sum", 2), named("max", 2)}, 15);
  REQUIRE(all.changes.size() == 2);
  CHECK(all.changes[0].verdict == apps::BenchChange::same);
  CHECK(all.changes[1].op == "sum");
  CHECK(all.changes[1].verdict == apps::BenchChange::slower);
  CHECK(all.alone == 2);
}

TEST_CASE("bench compare: exit code, and results that can't be compared") {
  const Scratch scratch;
  const auto file = [&](const std::string& name, double seconds, const std::string& cache) {
    auto result = runs_of(seconds, 1);
    for (const char* key : {"device", "dtype", "threads"}) result[key] = "x";
    result["cache"] = cache;
    return scratch.write(name, result.dump());
  };
  const std::string a = file("a.json", 1, "cold"), slow = file("slow.json", 1.15, "cold"),
                    warm = file("warm.json", 1, "warm");
  std::ostringstream out, err;
  const auto code = [&](const std::string& before, const std::string& after) {
    return apps::run_command_line({"bench", "compare", "--before", before, "--after", after}, out, err);
  };
  CHECK(code(a, a) == 0);
  CHECK(code(a, slow) == 1);
  CHECK(code(a + "," + a, slow) == 1);
  CHECK(err.str() == "");
  CHECK(code(a, warm) == 65);
  CHECK(err.str() == "dyad bench compare: " + warm + ": cache is warm, expected that of " + a + ", cold\n");
  for (const char* none : {"[]", "{}", "{\"rows\": 7}", "{\"rows\": [], \"threads\": 2}", "{\"rows\": [7]}"})
    CHECK(code(scratch.write("none.json", none), a) == 65);
}

TEST_CASE("bench turns: each program in each turn, with the flags of bench ops") {
  const Scratch scratch;
  // A program that logs its arguments, and answers with a result.
  const auto program = [&](const std::string& name, const std::string& answer) {
    return script(scratch, name,
                  "echo \"" + name + " $*\" >> '" + scratch.path("asked") + "'\ncp '" +
                      scratch.write(name + ".json", answer) + "' \"$4\"\n");
  };
  const std::string a = program("a", runs_of(1, 1, 1).dump()),
                    slow = program("slow 15 %", runs_of(1.15, 2, 1).dump()),
                    none = program("none", "no result");
  std::ostringstream out, err;
  const auto code = [&](const std::string& before, const std::string& after) {
    return apps::run_command_line(
        {"bench", "turns", "--before", before, "--after", after, "--op", "^re lu$", "--repeat", "2"}, out,
        err);
  };
  CHECK(code(a, a) == 0);
  CHECK(code(a, slow) == 1);
  CHECK(code(slow, a) == 0);
  CHECK(err.str() == "");
  std::istringstream asked(scratch.read("asked"));
  std::vector<std::string> lines;
  std::string order;
  for (std::string line; std::getline(asked, line);) {
    if (lines.size() >= 12 && lines.size() < 20) order += line[0];
    lines.push_back(line);
  }
  REQUIRE(lines.size() == 36);  // six rounds of each, since these times do not vary
  CHECK(order == "assaassa");   // the order alternates
  CHECK(lines[0].rfind("a bench ops --json ", 0) == 0);
  const std::string flags =
      " --op ^re lu$ --device cpu --dtype f32 --threads host --rounds 1 --repeat 2 --cache cold "
      "--floor off";
  CHECK(lines[0].substr(lines[0].size() - flags.size()) == flags);

  CHECK(code(a, none) == 65);
  CHECK(err.str().rfind("dyad bench turns: " + none + ": ", 0) == 0);
  const auto said = [&](const std::string& after, const std::string& what) {
    err.str("");
    CHECK(code(a, after) == 65);
    CAPTURE(err.str());
    CHECK(err.str().rfind("dyad bench turns: " + after + ": " + what, 0) == 0);
  };
  said("/bin/false", "bench ops has failed\n");
  CHECK(code(a, script(scratch, "stopped", "kill -INT $$\n")) == 130);  // Ctrl-C
  said("/bin/true", "");  // must not use the result of the other program
  err.str("");
  const std::string few = program("few", runs_of(1, 1, 1).dump());
  CHECK(apps::run_command_line({"bench", "turns", "--before", few, "--after", few, "--rounds", "5"}, out,
                               err) == 65);
  CHECK(err.str() ==
        "dyad bench turns: 5 rounds that were not interrupted can't tell a change in 1 figures from noise, "
        "expected "
        "at least 6: more rounds or fewer ops\n");
  CHECK(refused({"bench", "turns", "--before", a, "--after", scratch.path("a.json")}) ==
        "dyad bench turns: --after is \"" + scratch.path("a.json") + "\", expected a program of dyad\n");
}

TEST_CASE("bench turns: repeats ops whose slowdown could be missed, up to --rounds") {
  const Scratch scratch;
  auto result = runs_of(1, 1, 1);
  result["rows"].push_back(result["rows"][0]);
  result["rows"][1]["op"] = "sum/a.b (c)";
  scratch.write("0.json", result.dump());
  for (auto& round : result["rows"][1]["forward"]["rounds"]) round["p25"] = 9;
  scratch.write("1.json", result.dump());
  // its second row alternates between 1 s and 9 s
  const std::string program =
      script(scratch, "program",
             "cd '" + scratch.path(".") +
                 "'\necho \"$*\" >> asked\ncp $(( ($(wc -l < asked) - 1) / 2 % 2 )).json \"$4\"\n");
  std::ostringstream out, err;
  CHECK(apps::run_command_line({"bench", "turns", "--before", program, "--after", program, "--rounds", "12"},
                               out, err) == 0);
  std::istringstream asked(scratch.read("asked"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(asked, line);) lines.push_back(line);
  REQUIRE(lines.size() == 24);
  CHECK(lines[0].find(" --op .* ") != std::string::npos);
  CHECK(lines[2].find(R"( --op ^(relu|sum/a\.b \(c\))$ )") != std::string::npos);
  CHECK(lines[23].find(R"( --op ^(sum/a\.b \(c\))$ )") != std::string::npos);
}

// Like bench turns: adds rounds until a slowdown would be detected in each figure. The stopping rule depends
// on the data, but must not increase the rate of false alarms.
TEST_CASE("rank sum: with enough rounds to detect 15 %, 15 % is detected and nothing else") {
  engine::Random random(3);
  const auto insert =
      [&](std::vector<double>& times) {  // a noisy machine: every tenth run takes 1.4 times as long
        const double time = std::exp(0.04 * random.normal()) * (random.uniform() < 0.1 ? 1.4 : 1);
        times.insert(std::upper_bound(times.begin(), times.end(), time), time);
      };
  const std::size_t figures = 3;
  const int trials = 200;
  const double allowed = apps::chance_allowed(figures);
  int alarms = 0, found = 0;
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<double> a[figures], b[figures];
    bool sure = false;
    while (!sure) {
      for (auto* build : {a, b})
        for (std::size_t f = 0; f < figures; ++f) insert(build[f]);
      sure = a[0].size() >= apps::rounds_needed(figures);
      for (std::size_t f = 0; f < figures && sure; ++f)
        sure = apps::chance_to_find(a[f], b[f], 1.15, allowed) >= 0.95;
    }
    bool alarm = false;
    for (std::size_t f = 0; f < figures; ++f) {
      alarm |= apps::slower(a[f], b[f], allowed) || apps::slower(b[f], a[f], allowed);
      for (double& time : b[f]) time *= 1.15;
      found += apps::slower(a[f], b[f], allowed);
    }
    alarms += alarm;
  }
  CHECK(alarms <= 5);  // two are expected at most
  CHECK(found >= 0.95 * trials * figures);
}

TEST_CASE("bench: noise and a machine that slows down are seen") {
  CHECK_FALSE(apps::noisy(apps::times_of({1, 1.1, 1.2, 1.3, 1.4})));
  CHECK(apps::noisy(apps::times_of({1, 1, 1, 1, 1.6})));
  CHECK(apps::noisy({1, 1, 1, 1, 0.6}));
  CHECK_FALSE(apps::throttled({100, 100}, {95, 120}));
  CHECK(apps::throttled({100, 100}, {100, 89}));
  CHECK(apps::throttled({100, 100}, {89, 100}));
  CHECK(apps::cache_bytes(engine::cpu) >= 1 << 18);
}

TEST_CASE("bench: an interrupted run is repeated, but not for ever") {
  long runs = 0, taken = 0;
  const auto count = [&] { return taken; };
  const auto every_third = [&] { taken += ++runs % 3 == 0; };
  CHECK(apps::measure_times(engine::cpu, 20, every_third, count).interrupted == 0);
  runs = 0;
  const auto always = [&] { ++runs, ++taken; };
  CHECK(apps::measure_times(engine::cpu, 20, always, count).interrupted == 1);
  CHECK(runs == 2 + 180);
  runs = 0;
  const auto half = [&] { taken += ++runs > 12; };
  CHECK(apps::measure_times(engine::cpu, 20, half, count).interrupted == 0.5);
}

TEST_CASE("bench: the median of rounds") {
  const auto json = apps::as_json({{1, 2, 3, 4, 0}, {5, 6, 7, 8, 1}, {2, 3, 4, 9, 0.2}});
  CHECK(json["p5"] == 2);
  CHECK(json["median"] == 4);
  CHECK(json["p95"] == 8);
  CHECK(json["interrupted"] == 0.2);
  CHECK(json["rounds"][1]["p25"] == 6);
}

TEST_CASE("bench: percentiles") {
  const apps::Times t = apps::times_of({3, 1, 2, 5, 4});
  CHECK(t.p5 == 1);
  CHECK(t.median == 3);
  CHECK(t.p95 == 5);
}
