// Runs beside each other: rows, statistics, what a damaged file costs, and the page. (tests/sweep draws the
// page in a browser.)
#include <doctest/doctest.h>

#include <cmath>

#include "apps/comparison/comparison.h"
#include "engine/error.h"
#include "tests/support/markup.h"
#include "tests/support/scratch.h"

namespace {

using apps::Comparison;
using apps::List;

// A finished run whose files have these figures.
void write_run(const Scratch& scratch, const std::string& name, const std::string& options, int seed,
               double knn) {
  scratch.write(name + "/config.toml", "[pretrain]\ndata = \"photos\"\nrun = \"" + name +
                                           "\"\nseed = " + std::to_string(seed) + "\n" + options);
  scratch.write(name + "/metrics.jsonl",
                "{\"step\":1,\"epoch\":0.5,\"loss\":3,\"pairs_per_s\":128}\n"
                "{\"step\":2,\"epoch\":1,\"loss\":2,\"pairs_per_s\":256}\n");
  scratch.write(name + "/monitor.jsonl", "{\"step\":2,\"epoch\":1,\"probe_knn\":0.4}\n");
  scratch.write(name + "/state.json",
                R"({"phase":"finished","step":2,"steps":2,"epoch":1,"epochs":1,"next":{}})");
  scratch.write(name + "/eval.json",
                R"({"step":2,"top1":{"trained":{"knn":)" + std::to_string(knn) + R"(,"linear":0.5}}})");
}

bool has(const List& lines, const std::string& text) {
  for (const std::string& line : lines)
    if (line.find(text) != std::string::npos) return true;
  return false;
}

TEST_CASE("compare: mean and standard deviation with n - 1") {
  const apps::Figure three = apps::figure_of({1, 2, 6});
  CHECK(three.n == 3);
  CHECK(three.mean == doctest::Approx(3));
  CHECK(three.sd == doctest::Approx(std::sqrt(7.0)));  // (4 + 1 + 9) / 2
  const apps::Figure one = apps::figure_of({5});
  CHECK(one.mean == 5);
  CHECK(std::isnan(one.sd));
  CHECK(apps::figure_of({}).n == 0);
  CHECK(std::isnan(apps::figure_of({}).mean));
}

TEST_CASE("compare: runs that differ by the seed only are one row") {
  const Scratch scratch;
  write_run(scratch, "a0", "batch = 64\n", 0, 0.40);
  write_run(scratch, "a1", "batch = 64\n", 1, 0.44);
  write_run(scratch, "b0", "batch = 128\n", 0, 0.30);
  const Comparison c =
      apps::compare_runs({scratch.path("b0"), scratch.path("a0"), scratch.path("a1"), scratch.path("a0/")});
  CHECK(c.problems.empty());
  CHECK(c.columns == List{"batch"});
  REQUIRE(c.rows.size() == 2);
  CHECK(c.rows[0].values == List{"64"});  // before 128: by value
  CHECK(c.rows[0].runs.size() == 2);
  CHECK(c.rows[0].knn.mean == doctest::Approx(0.42));
  CHECK(c.rows[0].knn.sd == doctest::Approx(0.04 / std::sqrt(2.0)));
  CHECK(c.rows[0].loss.mean == 2);
  CHECK(c.rows[0].seconds.mean == doctest::Approx(64. / 128 + 64. / 256));
  CHECK(c.rows[1].knn.n == 1);
  CHECK(apps::table_text(c) ==
        "mean (standard deviation over seeds, number of runs)\n"
        "batch  runs  kNN %            linear %         loss                seconds\n"
        "64     2     42.00 (2.83, 2)  50.00 (0.00, 2)  2.0000 (0.0000, 2)  0.8 (0.0, 2)\n"
        "128    1     30.00 (-, 1)     50.00 (-, 1)     2.0000 (-, 1)       1.5 (-, 1)\n");
}

TEST_CASE("compare: the same options and the same seed are two rows, named by their folders") {
  const Scratch scratch;
  write_run(scratch, "old", "", 0, 0.4);
  write_run(scratch, "new", "", 0, 0.5);
  const Comparison c = apps::compare_runs({scratch.path("old"), scratch.path("new")});
  CHECK(c.columns == List{"folder"});
  REQUIRE(c.rows.size() == 2);
  CHECK(c.rows[0].values == List{scratch.path("new")});
}

TEST_CASE("compare: a sweep's varied options are the columns, and what they decide is named") {
  const Scratch scratch;
  write_run(scratch, "s/batch=64,seed=0", "batch = 64\nlr = 0.1\n", 0, 0.4);
  write_run(scratch, "s/batch=128,seed=0", "batch = 128\nlr = 0.2\n", 0, 0.4);
  scratch.write("s/sweep.json",
                R"({"shared":{},"sweeps":[],"cells":[{"name":"batch=64,seed=0","options":{"batch":"64"}},)"
                R"({"name":"batch=128,seed=0","options":{"batch":"128"}},)"
                R"({"name":"batch=256,seed=0","options":{"batch":"256"}}]})");
  const Comparison c = apps::compare_runs({scratch.path("s")});
  CHECK(c.columns == List{"batch"});
  CHECK(c.following == List{"lr"});
  CHECK(c.rows.size() == 2);
  REQUIRE(c.problems.size() == 1);
  CHECK(has(c.problems, "batch=256,seed=0: left out: there is no config.toml"));

  scratch.write("s/sweep.json", "{");
  const Comparison damaged = apps::compare_runs({scratch.path("s")});
  CHECK(damaged.rows.size() == 2);
  CHECK(damaged.columns == List{"batch", "lr", "folder"});
  CHECK(has(damaged.problems, "sweep.json: "));
}

TEST_CASE("compare: options of the views have the recipe's value where a run did not set them") {
  const Scratch scratch;
  const std::string recipe = "views = \"simclr\"\nrecipe = \"cifar\"\nsize = 32\n";
  write_run(scratch, "plain", recipe, 0, 0.4);
  write_run(scratch, "flipped", recipe + "flip-p = 0.9\n", 0, 0.4);
  write_run(scratch, "moco", "method = \"moco2\"\nviews = \"moco2\"\nrecipe = \"cifar\"\nsize = 32\n", 0,
            0.4);
  const Comparison two = apps::compare_runs({scratch.path("plain"), scratch.path("flipped")});
  CHECK(two.columns == List{"flip-p", "folder"});
  REQUIRE(two.rows.size() == 2);
  CHECK(two.rows[0].values.front() == "0.5");
  CHECK(two.rows[1].values.front() == "0.9");
  // the methods' recipes differ in several values: their name is enough
  const Comparison methods = apps::compare_runs({scratch.path("plain"), scratch.path("moco")});
  CHECK(methods.columns == List{"method", "views", "folder"});
}

TEST_CASE("compare: a damaged or missing file costs its own cell and one line") {
  const Scratch scratch;
  for (const char* name : {"whole", "eval", "none", "config", "steps", "stale", "reason", "running"})
    write_run(scratch, name,
              std::string("tau = 0.") + std::to_string(1 + name[0] % 9) + std::to_string(name[1] % 9) + "\n",
              0, 0.4);
  scratch.write("eval/eval.json", "{\"top1\":");
  std::filesystem::remove(scratch.path("none/eval.json"));
  scratch.write("config/config.toml", "[pretrain]\nbatch = 1\n");
  std::filesystem::remove(scratch.path("steps/metrics.jsonl"));
  scratch.write("stale/eval.json", R"({"step":1,"top1":{"trained":{"knn":0.25}}})");
  scratch.write(
      "reason/eval.json",
      R"({"step":2,"top1":{"trained":{"knn":null,"linear":0.5}},"reasons":{"trained":{"knn":"out of memory"}}})");
  scratch.write("running/state.json",
                R"({"phase":"stopped","step":2,"steps":9,"epoch":1,"epochs":4,"next":{}})");
  List runs;
  for (const char* name : {"whole", "eval", "none", "config", "steps", "stale", "reason", "running"})
    runs.push_back(scratch.path(name));
  const Comparison c = apps::compare_runs(runs);
  CHECK(c.rows.size() == 7);
  CHECK(c.problems.size() == 7);
  CHECK(has(c.problems, "eval/") == false);
  CHECK(has(c.problems, "eval: eval.json: "));
  CHECK(has(c.problems, "none: there is no result of an evaluation; dyad eval evaluates a run"));
  CHECK(has(c.problems, "config: left out: "));
  CHECK(has(c.problems, "steps: metrics.jsonl has no step"));
  CHECK(has(c.problems, "stale: eval.json is of step 1, and the training is at step 2: left out"));
  CHECK(has(c.problems, "reason: no result of knn: out of memory"));
  CHECK(has(c.problems, "running: the training is not finished: stopped after step 2 of 9"));
  for (const apps::RunGroup& row : c.rows)
    if (row.runs[0].path == scratch.path("stale")) {
      CHECK(row.knn.n == 0);
    } else if (row.runs[0].path == scratch.path("reason")) {
      CHECK(row.knn.n == 0);
      CHECK(row.linear.n == 1);
    }
}

TEST_CASE("compare: what is no run") {
  const Scratch scratch;
  std::filesystem::create_directories(scratch.path("empty"));
  CHECK_THROWS_AS(apps::compare_runs({scratch.path("empty")}), engine::DataError);
  CHECK_THROWS_AS(apps::compare_runs({scratch.path("nowhere")}), engine::DataError);
  write_run(scratch, "run", "", 0, 0.4);
  CHECK(message_of<engine::DataError>([&] {
          apps::compare_runs({scratch.path("run"), scratch.path("nowhere")});
        }) == scratch.path("nowhere") + ": there is no such folder");
  const Comparison c = apps::compare_runs({scratch.path("empty"), scratch.path("run")});
  CHECK(c.rows.size() == 1);
  CHECK(c.problems ==
        List{scratch.path("empty") + ": left out: has no config.toml, no sweep.json and no run in it, "
                                     "expected a run or a sweep"});
}

TEST_CASE("compare: the page is one well-formed file that needs no network") {
  const Scratch scratch;
  write_run(scratch, "<a> & b", "batch = 64\n", 0, 0.40);
  write_run(scratch, "c", "batch = 128\n", 0, 0.44);
  const Comparison c = apps::compare_runs({scratch.path("<a> & b"), scratch.path("c")});
  const std::string html = apps::comparison_page(c);
  CHECK(malformed(html) == "");
  for (const char* outside :
       {"https:", "src=\"", "<link", "@import", "href=", "fetch(", "XMLHttp", "{{summary}}", "{{data}}"}) {
    CAPTURE(outside);
    CHECK(html.find(outside) == std::string::npos);
  }
  const auto data = apps::comparison_json(c, true);
  const auto& curves = data.at("rows")[0].at("runs")[0].at("curves");
  CHECK(curves.at("loss").at("loss") == nlohmann::ordered_json::parse("[3,2]"));
  CHECK(curves.at("loss").at("seconds") == nlohmann::ordered_json::parse("[0.5,0.75]"));
  CHECK(curves.at("probes").at("seconds") == nlohmann::ordered_json::parse("[0.75]"));
  CHECK_FALSE(apps::comparison_json(c, false).at("rows")[0].at("runs")[0].contains("curves"));
}

}  // namespace

TEST_CASE("compare: what an accuracy was made with is told if it isn't the same") {
  const Scratch scratch;
  for (const char* name : {"a", "b"})
    write_run(scratch, name, std::string("tau = 0.") + (name[0] == 'a' ? "1" : "2") + "\n", 0, 0.4);
  const auto result = [](const char* meaning, const std::string& data) {
    return R"({"step":2,"data":")" + data +
           R"(","top1":{"trained":{"knn":0.5}},"classifiers":{"knn":{"meaning":")" + std::string(meaning) +
           "\"}}}";
  };
  scratch.write("a/eval.json", result("k = 5", "images"));
  scratch.write("b/eval.json", result("k = 5", ""));
  const auto compare = [&] { return apps::compare_runs({scratch.path("a"), scratch.path("b")}); };
  CHECK(has(compare().problems, "a: eval.json is of the images of images"));
  CHECK(compare().problems.size() == 1);
  CHECK(compare().columns == List{"tau", "folder"});  // one seed of each: the rows say which run they are
  scratch.write("b/eval.json", result("k = 20", ""));
  CHECK(has(compare().problems, "the kNN accuracies have other settings: " + scratch.path("a") + " k = 5, "));
}
