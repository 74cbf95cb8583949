// The images of an evaluation: splits, label files, and test splits that are drawn.
#include "apps/evaluation/evaluation_images.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/cli/commands.h"
#include "apps/run/run_directory.h"
#include "apps/system/exit_code.h"
#include "apps/training/training_data.h"
#include "data/subset.h"
#include "engine/error.h"
#include "engine/files/safetensors.h"
#include "tests/support/encode.h"
#include "tests/support/scratch.h"

namespace {

using Names = std::vector<std::string>;

// Two classes of ten images, one class of one.
std::string make_classes(const Scratch& scratch, const std::string& name) {
  int count = 0;
  const auto image = [&](const std::string& file) {
    std::vector<std::uint8_t> rows(3 * 8 * 8);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = std::uint8_t(int(i) * (count + 1));
    ++count;
    scratch.write(name + "/" + file, encode_png(8, 8, SPNG_COLOR_TYPE_TRUECOLOR, 8, rows));
  };
  for (int i = 0; i < 10; ++i)
    image("a/" + std::to_string(i) + ".png"), image("b/" + std::to_string(i) + ".png");
  image("c/only.png");
  image("loose.png");
  return scratch.path(name);
}

apps::PretrainOptions tiny_run(const std::string& data, const std::string& run) {
  apps::PretrainOptions o;
  o.data = data;
  o.run = run;
  o.arch = "resnet10";
  o.width = 0.0625;
  o.size = 8;
  o.out_dim = 8;
  o.batch = 4;
  o.steps = 1;
  o.optimizer = "adamw";
  o.threads = 0;
  return o;
}

std::set<std::string> names_in(const data::Dataset& set) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < set.size(); ++i) names.insert(set.entry(i));
  return names;
}

apps::ImageChoice choice(const std::string& data, const std::string& run, double split_from = 0) {
  apps::ImageChoice c;
  c.data = data;
  c.run = run;
  c.split_from = split_from;
  return c;
}

int lines_of(const std::string& text) { return int(std::count(text.begin(), text.end(), '\n')); }

}  // namespace

TEST_CASE("a drawn test split: a share of each class, by the seed, never all of a class") {
  const Scratch scratch;
  const std::string folder = make_classes(scratch, "data");
  const auto set = data::open_dataset(folder, data::Split::pretrain);
  REQUIRE(set->size() == 22);
  const auto drawn = [&](double share, std::uint64_t seed) {
    return names_in(data::Subset(*set, data::draw_test_split(*set, share, seed)));
  };
  const auto in_class = [](const std::set<std::string>& names, const std::string& name) {
    return std::count_if(names.begin(), names.end(),
                         [&](const std::string& n) { return n.starts_with(name + "/"); });
  };
  for (const auto& [drawn_share, each] : {std::pair(0.2, 2), {0.01, 1}, {0.9, 9}}) {
    const double share = drawn_share;
    CAPTURE(share);
    const auto names = drawn(share, 1);
    CHECK(names.size() == std::size_t(2 * each));
    CHECK((in_class(names, "a") == each && in_class(names, "b") == each && in_class(names, "c") == 0));
  }
  CHECK(drawn(0.3, 1) == drawn(0.3, 1));
  CHECK(drawn(0.3, 1) != drawn(0.3, 2));
  for (const char* file : {"data/flat/1.png", "data/flat/2.png"}) scratch.write(file, "x");
  const auto flat = data::open_dataset(folder + "/flat", data::Split::pretrain);
  CHECK(data::draw_test_split(*flat, 0.5, 0).size() == 1);  // of all images, where none has a class
  const auto records = data::open_dataset("data/samples", data::Split::train);
  CHECK_THROWS_AS(data::draw_test_split(*records, 0.5, 0), engine::DataError);
}

TEST_CASE("a drawn test split: pretraining leaves it out, the run keeps its list, and evaluation takes it") {
  const Scratch scratch;
  const std::string folder = make_classes(scratch, "data");
  apps::PretrainOptions o = tiny_run(folder, scratch.path("run"));
  o.split_from = 0.3;
  o.seed = 5;
  REQUIRE(apps::pretrain(o) == apps::kOk);
  CHECK(lines_of(scratch.read("run/test_split.txt")) == 6);
  const auto trained = names_in(*apps::pretraining_images(o));
  CHECK(trained.size() == 16);
  CHECK(trained.contains("loose.png"));

  const apps::PretrainOptions run = apps::read_run_options(o.run);
  const auto given = choice(folder, o.run);  // without --split-from
  const auto train = apps::training_images(given, run), test = apps::test_images(given, run);
  CHECK((train->size() == 15 && test->size() == 6));
  for (const std::string& name : names_in(*test)) {
    CHECK_FALSE(trained.contains(name));
    CHECK_FALSE(names_in(*train).contains(name));
  }
  CHECK(names_in(*apps::test_images(choice(folder, o.run, 0.3), run)) == names_in(*test));
  CHECK(message_of<engine::UsageError>([&] { apps::test_images(choice(folder, o.run, 0.2), run); }) ==
        "--split-from is 0.2, but the run was pretrained with 0.3, expected the same");

  // images that are added later are trained on; images that are removed are missed
  scratch.write("data/a/new.png", scratch.read("data/a/0.png"));
  CHECK(names_in(*apps::test_images(given, run)) == names_in(*test));
  apps::PretrainOptions resumed = o;
  resumed.resume = "auto";
  CHECK(apps::pretraining_images(resumed)->size() == 17);
  for (const std::string& name : names_in(*test))
    CHECK_FALSE(names_in(*apps::pretraining_images(resumed)).contains(name));
  const std::string removed = *names_in(*test).begin();
  std::filesystem::remove(scratch.path("data/" + removed));
  CHECK(message_of<engine::DataError>([&] { apps::test_images(given, run); }) ==
        scratch.path("run/test_split.txt") + " line 1: there is no image " + removed + " in " + folder);
}

TEST_CASE("a test split can be drawn by the evaluation; the run keeps its list") {
  const Scratch scratch;
  const std::string folder = make_classes(scratch, "data");
  const apps::PretrainOptions o = tiny_run(folder, scratch.path("run"));
  REQUIRE(apps::pretrain(o) == apps::kOk);
  CHECK_FALSE(std::filesystem::exists(scratch.path("run/test_split.txt")));
  apps::KnnOptions k;
  k.data = folder;
  k.run = o.run;
  k.k = 1;
  k.no_floors = true;
  CHECK(message_of<engine::DataError>([&] { apps::knn(k); }) ==
        folder +
            " has no test split, expected train/CLASS/FILE and val/CLASS/FILE, or --split-from 0.1 to draw "
            "one");
  k.split_from = 0.2;
  REQUIRE(apps::knn(k) == apps::kOk);
  CHECK(lines_of(scratch.read("run/test_split.txt")) == 4);
  const auto result = nlohmann::json::parse(scratch.read("run/knn.json"));
  CHECK((result["train"] == 17 && result["test"] == 4));
  k.split = "val";
  CHECK_THROWS_AS(apps::knn(k), engine::UsageError);

  apps::ExportOptions e;
  e.run = o.run;
  e.data = folder;
  e.out = scratch.path("all.safetensors");
  REQUIRE(apps::export_model(e) ==
          apps::kOk);  // there is no split: all images, with -1 for those without a label
  const auto labels_of = [](const std::string& path) {
    const engine::TensorFile file = engine::read_safetensors(path);
    return std::find_if(file.tensors.begin(), file.tensors.end(),
                        [](const auto& t) { return t.first == "labels"; })
        ->second.to_vector();
  };
  const auto labels = labels_of(e.out);
  CHECK((labels.size() == 22 && labels.back() == -1));
  e.split_from = 0.2;
  REQUIRE(apps::export_model(e) == apps::kOk);
  CHECK(labels_of(e.out) == std::vector<double>{0, 0, 1, 1});
}

TEST_CASE("--split chooses, and --labels names the classes") {
  const Scratch scratch;
  for (const char* part : {"train", "val", "test"}) make_classes(scratch, std::string("data/") + part);
  const apps::PretrainOptions run;
  apps::ImageChoice c = choice(scratch.path("data"), "");
  CHECK(apps::test_images(c, run)->title() == "image folder, test/");
  c.split = "val";
  CHECK(apps::test_images(c, run)->title() == "image folder, val/");
  c.split = "train";
  CHECK(apps::exported_images(c, run)->title() == "image folder, train/");
  CHECK(apps::training_images(c, run)->size() == 21);  // without the loose one
  for (const char* file : {"data/val/a", "data/val/b", "data/val/c", "data/test"})
    std::filesystem::remove_all(scratch.path(file));
  c.split = "auto";
  CHECK_FALSE(apps::test_images(c, run)->unlabelled().empty());
  c.label_file = scratch.write("map.csv", "file,class\nloose.png,b\n");
  CHECK(apps::test_images(c, run)->label(0) == 1);
  apps::print_images(*apps::training_images(c, run), *apps::test_images(c, run));
}

TEST_CASE("broken images are left out of an evaluation as of the pretraining, or as --bad-images says") {
  const Scratch scratch;
  const std::string folder = make_classes(scratch, "data");
  scratch.write("data/a/3.png", "no image");
  scratch.write("data/b/7.png", "no image");
  apps::PretrainOptions run = tiny_run(folder, scratch.path("run"));
  apps::ImageChoice c = choice(folder, run.run);
  const auto images = [&] { return apps::as_bad_images_say(apps::training_images(c, run), c, run, 2); };
  CHECK(images()->size() == 21);
  c.bad_images = "skip";
  const auto left = images();
  CHECK(left->size() == 19);
  CHECK_FALSE(names_in(*left).contains("a/3.png"));
  CHECK(left->remark().find("left out: 2 images that can't be decoded, the first is " + folder +
                            "/a/3.png: ") != std::string::npos);
  c.bad_images = "auto";
  run.bad_images = "skip";
  CHECK(images()->size() == 19);
  c.bad_images = "stop";
  CHECK(images()->size() == 21);

  // all of them
  for (const char* name : {"broken/a/0.png", "broken/b/1.png"}) scratch.write(name, "no image");
  c = choice(scratch.path("broken"), run.run);
  CHECK(message_of<engine::DataError>(images).ends_with("and none of the other images can be decoded"));
}

TEST_CASE("a run with a drawn test split exports, and is evaluated on, other images") {
  const Scratch scratch;
  apps::PretrainOptions o = tiny_run(make_classes(scratch, "data"), scratch.path("run"));
  o.split_from = 0.3;
  REQUIRE(apps::pretrain(o) == apps::kOk);
  const apps::PretrainOptions run = apps::read_run_options(o.run);
  for (int i = 0; i < 3; ++i)
    scratch.write("flat/" + std::to_string(i) + ".png", scratch.read("data/a/" + std::to_string(i) + ".png"));
  CHECK(apps::exported_images(choice(scratch.path("flat"), o.run), run)->size() == 3);
  CHECK(apps::exported_images(choice(scratch.path("data"), o.run), run)->size() == 6);

  for (const char* name : {"other/train/a/0.png", "other/train/b/1.png", "other/test/a/2.png"})
    scratch.write(name, scratch.read("data/a/0.png"));
  apps::KnnOptions knn;
  knn.data = scratch.path("other");
  knn.run = o.run;
  knn.json = scratch.path("knn.json");
  REQUIRE(apps::knn(knn) == apps::kOk);
  const auto notes = nlohmann::json::parse(scratch.read("knn.json")).at("notes");
  CHECK(std::ranges::find(
            notes, "these are not the images of the pretraining, whose drawn test split is left aside") !=
        notes.end());
}
