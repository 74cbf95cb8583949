// dyad retrieval: by class, leave-one-out, by a protocol's lists, and what it refuses.
#include <doctest/doctest.h>

#include <sstream>

#include "apps/cli/cli.h"
#include "apps/cli/commands.h"
#include "apps/report/report.h"
#include "data/decode/png.h"
#include "engine/random.h"
#include "tests/support/gaussians.h"
#include "tests/support/small_cifar.h"
#include "tests/support/tiny_training.h"

using nlohmann::json;

namespace {

struct Trained {
  Scratch scratch;
  std::string run;

  Trained() {
    apps::PretrainOptions o = tiny_training(small_cifar(scratch, "data", 48, 20), scratch.path("run"));
    o.steps = 2;
    REQUIRE(apps::pretrain(o) == 0);
    run = o.run;
  }
  apps::RetrievalOptions options() const {
    apps::RetrievalOptions o;
    o.run = run;
    return o;
  }
  json result() const { return json::parse(scratch.read("run/retrieval.json")); }
};

data::Image noise(int size, std::uint64_t seed) {
  engine::Random random(seed);
  data::Image image{size, size, {}};
  for (int i = 0; i < size * size * 3; ++i) image.pixels.push_back(std::uint8_t(random.uniform(0, 256)));
  return image;
}

// A 16 x 16 image whose lower right quarter is another image.
data::Image around(const data::Image& part) {
  data::Image image = noise(16, 99);
  for (int y = 0; y < 8; ++y)
    std::copy_n(part.pixels.begin() + y * 24, 24, image.pixels.begin() + ((y + 8) * 16 + 8) * 3);
  return image;
}

struct Ended {
  int code;
  std::string line;
};

Ended retrieval_line(const std::vector<std::string>& more) {
  std::vector<std::string> words = {"retrieval"};
  words.insert(words.end(), more.begin(), more.end());
  std::ostringstream out, err;
  const int code = apps::run_command_line(words, out, err);
  return {code, err.str()};
}

}  // namespace

TEST_CASE("retrieval: three rows, figures by class, in the report; the same for any number of threads") {
  const Trained t;
  REQUIRE(apps::retrieval(t.options()) == 0);
  json first = t.result();
  CHECK(first.at("database") == "train");
  CHECK(first.at("queries") == 20);
  CHECK(first.at("train") == 48);
  for (const char* row : {"raw", "untrained", "trained"})
    for (const char* name : {"recall@1", "recall@10", "precision@5", "mAP", "mAP@R", "R-precision"}) {
      const double share = first.at("figures").at(row).at(name);
      CHECK(share >= 0);
      CHECK(share <= 1);
    }
  CHECK(first.at("by_class").at("mAP").size() == 10);
  double sum = 0, count = 0;
  for (std::size_t c = 0; c < 10; ++c) {
    const double n = first.at("by_class").at("queries")[c];
    if (n > 0) sum += n * first.at("by_class").at("mAP")[c].get<double>();
    count += n;
  }
  CHECK(sum / count == doctest::Approx(first.at("figures").at("trained").at("mAP").get<double>()));
  CHECK(json(apps::report_data(t.run).at("retrieval")) == first);
  CHECK(apps::report_data(t.run).at("problems").empty());

  for (const int threads : {1, 3})
    with_threads(threads, [&] {
      REQUIRE(apps::retrieval(t.options()) == 0);
      json again = t.result();
      for (json* one : {&first, &again}) one->erase("seconds");
      CHECK(again == first);
    });
}

TEST_CASE("retrieval: leave-one-out of the test and of the training images") {
  const Trained t;
  apps::RetrievalOptions o = t.options();
  o.database = "others";
  o.no_floors = true;
  REQUIRE(apps::retrieval(o) == 0);
  CHECK(t.result().at("test") == 20);
  CHECK_FALSE(t.result().contains("train"));
  CHECK(t.result().at("figures").size() == 1);
  o.split = "train";
  REQUIRE(apps::retrieval(o) == 0);
  CHECK(t.result().at("test") == 48);
  CHECK(apps::report_html(t.run).find("</html>") != std::string::npos);
}

TEST_CASE("retrieval: eval --all measures it on the same features") {
  const Trained t;
  REQUIRE(apps::retrieval(t.options()) == 0);
  const json alone = t.result();
  apps::EvalOptions e;
  e.run = t.run;
  e.all = true;
  e.json = t.scratch.path("all.json");
  REQUIRE(apps::eval(e) == 0);
  CHECK(t.result().at("figures") == alone.at("figures"));
  CHECK(t.result().at("by_class") == alone.at("by_class"));
  const json all = json::parse(t.scratch.read("all.json"));
  CHECK(all.at("retrieval").at("figures") == alone.at("figures"));
  CHECK(all.at("top1").contains("trained"));
  CHECK_FALSE(json::parse(t.scratch.read("run/eval.json")).contains("retrieval"));  // it has its own file
}

TEST_CASE("retrieval: a protocol's lists, and the part of an image that is asked for") {
  const Trained t;
  const data::Image wanted = noise(8, 1);
  std::filesystem::create_directories(t.scratch.path("buildings"));
  data::write_png(t.scratch.path("buildings/wanted.png"), wanted);
  data::write_png(t.scratch.path("buildings/query.png"), around(wanted));
  for (int i = 0; i < 6; ++i)
    data::write_png(t.scratch.path("buildings/other" + std::to_string(i) + ".png"),
                    noise(8, std::uint64_t(i) + 10));
  apps::RetrievalOptions o = t.options();
  o.data = t.scratch.path("buildings");
  o.protocol = t.scratch.write(
      "p.json", R"({"queries":[{"image":"query","box":[8,8,16,16],"easy":["wanted.png"],"hard":["other1"],)"
                R"("junk":["other0","other2"]}]})");
  REQUIRE(apps::retrieval(o) == 0);
  const json result = t.result();
  CHECK(result.at("queries") == json{{"easy", 1}, {"medium", 1}, {"hard", 1}});
  CHECK(result.at("train") == 7);
  for (const char* row : {"raw", "untrained", "trained"}) {
    CHECK(result.at("figures").at(row).at("easy mAP") == 1);  // the part is the wanted image itself
    CHECK(result.at("figures").at(row).at("easy mP@10") == 1);
    CHECK(result.at("figures").at(row).at("medium mP@1") == 1);
    CHECK(result.at("figures").at(row).at("hard mAP") > 0);  // the wanted image is left out of this ranking
  }
  CHECK(apps::report_data(t.run).at("problems").empty());

  // what is listed nowhere can't be found
  o.protocol = t.scratch.write("q.json", R"({"queries":[{"image":"query"},{"image":"wanted"}]})");
  CHECK(message_of<std::runtime_error>([&] { apps::retrieval(o); }) ==
        "no result could be made: trained encoder: no query has a relevant image");
}

TEST_CASE("retrieval: a protocol of another form is refused in a line") {
  const Trained t;
  for (const char* name : {"a/one.png", "b/one.png", "b/two.png"}) {
    std::filesystem::create_directories(
        std::filesystem::path(t.scratch.path("set") + "/" + name).parent_path());
    data::write_png(t.scratch.path("set") + "/" + name, noise(8, 1));
  }
  const std::string expected = R"(expected {"queries": [{"image": NAME, "easy": [NAME, ...], ...}]})";
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"{", " is no JSON, " + expected},
      {"[]", ": has no queries, " + expected},
      {R"({"queries":[]})", ": has no queries, " + expected},
      {R"({"queries":[{"easy":[]}]})", ": query 1 has no image, " + expected},
      {R"({"queries":[{"image":"three"}]})", ": query 1: there is no image three"},
      {R"({"queries":[{"image":"one"}]})", ": query 1: several images are named one, expected CLASS/FILE"},
      {R"({"queries":[{"image":"two","box":[1,2,3]}]})",
       ": query 1: box is [1,2,3], expected [left, top, right, bottom]"},
      {R"({"queries":[{"image":"two","box":[3,0,3,4]}]})",
       ": query 1: box is [3,0,3,4], expected [left, top, right, bottom]"},
      {R"({"queries":[{"image":"two","easy":"a/one.png"}]})",
       ": query 1 (b/two.png): easy is no list of names"},
      {R"({"queries":[{"image":"two","easy":[3]}]})", ": query 1 (b/two.png): easy has 3, expected a name"},
      {R"({"queries":[{"image":"two","easy":["a/one.png"],"junk":["a/one.png"]}]})",
       ": query 1 (b/two.png): a/one.png is listed as easy and as junk"},
      {R"({"queries":[{"image":"two","easy":["a/one.png"]}],"database":["b/one.png"]})",
       ": query 1 (b/two.png): easy has a/one.png, which is not in the database"},
      {R"({"queries":[{"image":"two"}],"database":["b/one.png","b/one.png"]})",
       ": database lists b/one.png twice"},
      {R"({"queries":[{"image":"two"}],"database":[]})",
       ": leaves no image to search in: every image is a query"}};
  for (const auto& one : wrong) {
    const std::string file = t.scratch.write("p.json", one.first);
    const Ended e = retrieval_line({"--run", t.run, "--data", t.scratch.path("set"), "--protocol", file});
    CHECK(e.code == 65);
    CHECK(e.line == "dyad retrieval: " + file + one.second + "\n");
  }
  const std::string none = t.scratch.path("none.json");
  CHECK(retrieval_line({"--run", t.run, "--data", t.scratch.path("set"), "--protocol", none}).line ==
        "dyad retrieval: " + none + ": No such file or directory, " + expected + "\n");
  CHECK_FALSE(std::filesystem::exists(t.run + "/retrieval.json"));
  // a box that has no pixel of its image
  const std::string outside =
      t.scratch.write("p.json", R"({"queries":[{"image":"two","box":[9,9,12,12],"easy":["a/one.png"]}]})");
  const Ended e = retrieval_line({"--run", t.run, "--data", t.scratch.path("set"), "--protocol", outside});
  CHECK(e.code == 65);
  CHECK(e.line.find("two.png: the box of the query lies outside of its 8 x 8 pixels") != std::string::npos);
}
