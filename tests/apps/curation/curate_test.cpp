// dyad curate: planted duplicates, leaks, outliers and lists; a training on such a list says what is missing.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/cli/cli.h"
#include "apps/cli/commands.h"
#include "apps/report/report.h"
#include "apps/run/left_out.h"
#include "data/decode/png.h"
#include "data/formats/image_list.h"
#include "engine/error.h"
#include "engine/files/safetensors.h"
#include "engine/random.h"
#include "tests/support/scratch.h"
#include "tests/support/tiny_training.h"

using nlohmann::json;
using FeatureRows = std::vector<std::vector<double>>;

namespace {

std::string image_file(const Scratch& scratch, const std::string& name, int size) {
  engine::Random random(std::hash<std::string>()(name));
  data::Image image{size, size, {}};
  for (int i = 0; i < size * size * 3; ++i) image.pixels.push_back(std::uint8_t(random.uniform(0, 256)));
  const std::string file = scratch.path(name);
  std::filesystem::create_directories(std::filesystem::path(file).parent_path());
  data::write_png(file, image);
  return file;
}

std::string features_file(const Scratch& scratch, const std::string& name, const FeatureRows& rows,
                          const std::vector<std::string>& names, const std::string& encoder = "abc",
                          const std::map<std::string, std::string>& more = {}) {
  std::vector<double> values;
  for (const auto& row : rows) values.insert(values.end(), row.begin(), row.end());
  std::string text;
  for (const std::string& one : names) text += one + "\n";
  engine::Tensor bytes({std::int64_t(text.size())}, engine::DType::u8, engine::cpu);
  std::copy(text.begin(), text.end(), bytes.data<std::uint8_t>());
  std::map<std::string, std::string> metadata = more;
  metadata["encoder_hash"] = encoder;
  engine::write_safetensors(
      scratch.path(name),
      {{{"features",
         from_vector({std::int64_t(rows.size()), std::int64_t(rows[0].size())}, values, engine::DType::f32)},
        {"names", bytes}},
       metadata});
  return scratch.path(name);
}

// Nine images: b and c are near duplicates of each other, so are e, f and g by a chain; i lies far away from
// all; d is near the test image.
struct Planted {
  Scratch scratch;
  std::vector<std::string> names;
  apps::CurateOptions o;

  Planted() {
    const std::vector<std::string> letters = {"a", "c", "b", "d", "g", "e", "f", "h", "i"};
    for (std::size_t i = 0; i < letters.size(); ++i)  // c is the largest file of its group
      names.push_back(image_file(scratch, "images/" + letters[i] + ".png", letters[i] == "c" ? 16 : 8));
    o.embeddings = features_file(scratch, "train.safetensors",
                                 {{1, 0, 0.3, 0},
                                  {0, 1, 0.4, 0},
                                  {0, 1, 0.41, 0},
                                  {0.5, 0.5, 1, 0},
                                  {1, 0.9, 0, 0},
                                  {1, 1, 0, 0},
                                  {1, 1.1, 0, 0},
                                  {0.7, 0, 1, 0},
                                  {0, 0, 0, -1}},
                                 names);
    o.threshold = 0.998;
    o.neighbour = 2;
    o.map = 0;
    o.out = scratch.path("out");
  }
  void against() {
    o.against = features_file(scratch, "test.safetensors", {{-1, 0, 0, 0}, {0.5, 0.5, 1.01, 0}},
                              {"far.png", "near.png"});
  }
  // The letters of a list's images.
  std::string listed(const std::string& list) const {
    std::istringstream lines(scratch.read("out/" + list));
    std::string letters, line;
    while (std::getline(lines, line)) letters += line.substr(line.rfind('/') + 1, 1);
    return letters;
  }
  json result() const { return json::parse(scratch.read("out/curate.json")); }
};

struct Answer {
  int code;
  std::string line;
};

Answer curate_line(const std::vector<std::string>& more) {
  std::vector<std::string> words = {"curate"};
  words.insert(words.end(), more.begin(), more.end());
  std::ostringstream out, err;
  const int code = apps::run_command_line(words, out, err);
  return {code, err.str()};
}

}  // namespace

TEST_CASE("curate: near duplicates by groups, the first by name is kept") {
  Planted p;
  p.o.prefer = "first";
  REQUIRE(apps::curate(p.o) == 0);
  CHECK(p.listed("kept.txt") == "abdehi");
  CHECK(p.listed("left_out.txt") == "cgf");  // in the order of the file
  CHECK(p.listed("duplicates.txt") == "cgf");
  CHECK_FALSE(std::filesystem::exists(p.scratch.path("out/outliers.txt")));
  const json groups = p.result().at("groups");
  REQUIRE(groups.size() == 2);
  CHECK(groups[0].size() == 3);  // the largest first
  CHECK(groups[0][1] == json{{"name", p.names[5]}, {"cosine", 1.0}, {"what", "kept"}});
  CHECK(groups[0][0].at("cosine").get<double>() == doctest::Approx(0.9986).epsilon(1e-4));
  CHECK(p.result().at("left_out") ==
        json{{{"reason", "near duplicates of another image (cosine at least 0.998)"}, {"images", 3}}});
  const std::string page = p.scratch.read("out/curate.html");
  CHECK(page.find("data:image/png;base64,") != std::string::npos);
  CHECK(page.find("{{") == std::string::npos);
  CHECK(p.result().at("at_higher_thresholds") == json{{{"threshold", 0.999}, {"near_duplicates", 1}}});
}

TEST_CASE("curate: the largest file is kept; the closest pair alone") {
  Planted p;
  p.o.pairs = 1;
  for (const char* prefer : {"largest", "auto"}) {
    p.o.prefer = prefer;
    std::filesystem::remove_all(p.o.out);
    REQUIRE(apps::curate(p.o) == 0);
    CHECK(p.listed("left_out.txt") == "b");
  }
  CHECK(p.result().at("left_out")[0].at("reason") == "near duplicates of another image (the 1 closest pair)");
}

TEST_CASE("curate: leaks, a list to keep out, outliers and a subset, each image for one reason") {
  Planted p;
  p.o.prefer = "first";
  p.against();
  p.o.keep_out = p.scratch.write("out.txt", "images/e.png\n\n" + p.names[1] + "\n");  // e and c
  p.o.outliers = 0.2;
  p.o.subset = 2;
  REQUIRE(apps::curate(p.o) == 0);
  CHECK(p.listed("leaked.txt") == "d");
  CHECK(p.listed("duplicates.txt") == "g");  // f stays, because e is out already; so does b
  CHECK(p.listed("outliers.txt") == "i");
  CHECK(p.listed("kept.txt") == "abfh");
  CHECK(p.listed("subset.txt").size() == 2);
  const json result = p.result();
  REQUIRE(result.at("leaks").size() == 1);
  CHECK(result.at("leaks")[0].at("of") == "near.png");
  CHECK(result.at("isolated")[0].at("name") == p.names[8]);
  CHECK(result.at("subset").at("images") == 2);
  const apps::LeftOut left = apps::left_out_in(json::parse(p.scratch.read("out/subset.txt.json")));
  CHECK(left.listed == 2);
  CHECK(left.reasons.size() == 5);
  std::int64_t all = left.listed;
  for (const auto& reason : left.reasons) all += reason.second;
  CHECK(all == 9);                                  // each image has one reason
  for (const char* by : {"k-center", "cluster"}) {  // the same bytes again
    p.o.by = by;
    p.o.out = p.scratch.path(std::string("one-") + by);
    REQUIRE(apps::curate(p.o) == 0);
    p.o.out = p.scratch.path(std::string("two-") + by);
    REQUIRE(apps::curate(p.o) == 0);
    for (const char* list : {"/kept.txt", "/subset.txt"})
      CHECK(p.scratch.read(std::string("one-") + by + list) ==
            p.scratch.read(std::string("two-") + by + list));
  }
}

TEST_CASE("curate: a training on its list says what was left out, and keeps it for the report") {
  const Planted p;
  REQUIRE(apps::curate(p.o) == 0);
  const std::string list = p.scratch.path("out/kept.txt");
  CHECK(data::open_image_list(list)->size() == 6);
  const std::string line =
      "dyad curate listed 6 of 9 images; left out: 3 near duplicates of another image (cosine at least "
      "0.998)";
  CHECK(apps::left_out_line(list, 6) == line);
  CHECK(apps::left_out_line(list, 5) == line + "; the list has 5 images now, so it was changed since");
  CHECK(apps::left_out_line(p.scratch.path("images"), 9) == "");  // no list

  apps::PretrainOptions t = tiny_training(list, p.scratch.path("run"));
  t.batch = 4;
  t.size = 32;
  t.steps = 1;
  REQUIRE(apps::pretrain(t) == 0);
  CHECK(p.scratch.read("run/train.log").find(line) != std::string::npos);
  const auto report = apps::report_data(t.run);
  CHECK(report.at("left_out").at("listed") == 6);
  CHECK(report.at("problems").empty());

  p.scratch.write("out/kept.txt.json", R"({"made_by":"me"})");
  CHECK(apps::left_out_line(list, 6).find("kept.txt.json is of another form, expected that of dyad curate") !=
        std::string::npos);
  p.scratch.write("run/left_out.json", R"({"made_by":"me"})");
  CHECK(apps::report_data(t.run).at("problems").size() == 1);
  std::filesystem::remove(p.scratch.path("out/kept.txt.json"));
  apps::keep_left_out(t.run, list);  // of the list that is trained on now
  CHECK_FALSE(std::filesystem::exists(p.scratch.path("run/left_out.json")));
}

TEST_CASE("curate: what can't be done is said in a line, and nothing is half-written") {
  Planted p;
  p.against();
  const std::string out = p.scratch.path("new");
  const auto refused = [&](int code, const std::string& says, std::vector<std::string> more) {
    more.insert(more.begin(), {"--embeddings", p.o.embeddings, "--out", out, "--map", "0"});
    const Answer a = curate_line(more);
    CHECK(a.code == code);
    CHECK(a.line.find(says) != std::string::npos);
    CHECK(std::ranges::count(a.line, '\n') == 1);
    CHECK_FALSE(std::filesystem::exists(out));
    for (const auto& entry : std::filesystem::directory_iterator(p.scratch.folder))
      CHECK(entry.path().string().find(".partial-") == std::string::npos);
  };
  refused(65, "none.safetensors", {"--against", p.scratch.path("none.safetensors")});
  refused(65, "has features of 2 values, expected 4 as in",
          {"--against", features_file(p.scratch, "narrow.safetensors", {{1, 0}}, {"x"})});
  refused(65, "was made with --mirror, expected the same as",
          {"--against", features_file(p.scratch, "mirror.safetensors", {{1, 0, 0, 0}}, {"x"}, "abc",
                                      {{"mirror", "mean"}})});
  refused(65, "is of the encoder xyz, expected abc as in",
          {"--against", features_file(p.scratch, "other.safetensors", {{1, 0, 0, 0}}, {"x"}, "xyz")});
  refused(65, "out.txt line 2: nowhere.png is no image of",
          {"--keep-out", p.scratch.write("out.txt", "images/a.png\nnowhere.png\n")});
  std::string all;
  for (const std::string& name : p.names) all += name + "\n";
  refused(2, "these rules leave out every image, expected some to be kept",
          {"--keep-out", p.scratch.write("all.txt", all)});
  refused(2, "--threshold is 2, expected 0 to 1, or auto", {"--threshold", "2"});
  std::filesystem::create_directories(p.scratch.path("there"));
  const Answer there = curate_line({"--embeddings", p.o.embeddings, "--out", p.scratch.path("there")});
  CHECK(there.code == 2);
  CHECK(there.line ==
        "dyad curate: " + p.scratch.path("there") + ": is there already, expected a new folder\n");
  const std::string records =
      features_file(p.scratch, "records.safetensors", {{1, 0}, {1, 0}}, {"r 0", "r 1"});
  const Answer largest = curate_line({"--embeddings", records, "--out", out, "--prefer", "largest"});
  CHECK(largest.code == 65);
  CHECK(largest.line.find("r 1: No such file or directory, so --prefer largest can't compare sizes") !=
        std::string::npos);
}
