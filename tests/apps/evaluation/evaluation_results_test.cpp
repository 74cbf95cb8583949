// What an evaluation keeps and where, and what it does about results that can't be made.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "apps/cli/commands.h"
#include "apps/evaluation/classifiers.h"
#include "apps/evaluation/evaluation.h"
#include "apps/evaluation/result_folder.h"
#include "apps/report/report.h"
#include "apps/run/checkpoint.h"
#include "apps/run/model.h"
#include "apps/system/result_output.h"
#include "data/decode/png.h"
#include "engine/error.h"
#include "tests/support/small_cifar.h"
#include "tests/support/tiny_training.h"

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

apps::PretrainOptions short_run(const Scratch& scratch) {
  apps::PretrainOptions o = tiny_training(small_cifar(scratch, "data", 48, 20), scratch.path("run"));
  o.steps = 3;
  o.optimizer = "adamw";
  return o;
}

template <class Options>
Options evaluation_of(const apps::PretrainOptions& run) {
  Options o;
  o.data = run.data;
  o.run = run.run;
  return o;
}

json parsed(const Scratch& scratch, const std::string& name) { return json::parse(scratch.read(name)); }

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// A folder of 8 x 8 pictures: as many of each class as asked for, in train and test.
std::string pictures_of(const Scratch& scratch, const std::string& name, int classes, int train, int test) {
  for (int c = 0; c < classes; ++c)
    for (const auto& [split, count] : {std::pair("train", train), std::pair("test", test)}) {
      const std::string folder =
          scratch.path(name) + "/" + split + "/class" + std::string(c < 10 ? "0" : "") + std::to_string(c);
      fs::create_directories(folder);
      for (int i = 0; i < count; ++i) {
        data::Image image{8, 8, {}};
        for (int p = 0; p < 8 * 8 * 3; ++p) image.pixels.push_back(std::uint8_t(p * (c + 1) + 31 * i));
        data::write_png(folder + "/" + std::to_string(i) + ".png", image);
      }
    }
  return scratch.path(name);
}

}  // namespace

TEST_CASE("eval: what can't be made of two images is null with its reason, and the rest is there") {
  const Scratch scratch;
  const auto run = short_run(scratch);
  REQUIRE(apps::pretrain(run) == 0);
  auto e = evaluation_of<apps::EvalOptions>(run);
  for (const int images : {1, 2}) {
    CAPTURE(images);
    e.data = small_cifar(scratch, "few" + std::to_string(images), images, images);
    REQUIRE(apps::eval(e) == 0);
    const json result = parsed(scratch, "run/eval.json");
    for (const char* row : {"raw", "untrained", "trained"}) {
      CHECK(result.at("top1").at(row).at("knn").is_number());
      CHECK(result.at("top1").at(row).at("linear").is_null());
      const std::string reason = result.at("reasons").at(row).at("linear");
      CHECK(reason.find(" images are too few to hold some out") != std::string::npos);
    }
    CHECK(result.at("top1").at("trained").at("sgd").is_number());
    CHECK(result.at("confusion").at("linear").is_null());
    CHECK(result.at("classifiers").at("knn").at("k") == images);
    CHECK(result.at("classifiers").at("knn").at("meaning") ==
          "nearest neighbours (k = " + std::to_string(images) + ", T = 0.1)");
    CHECK(fs::exists(scratch.path("run/neighbours.json")));
    const std::string html = apps::report_html(run.run);  // nulls don't disturb it
    CHECK(html.find("</html>") != std::string::npos);
  }
  auto l = evaluation_of<apps::LinearOptions>(run);
  l.data = e.data;
  CHECK(message_of<std::runtime_error>([&] { apps::linear(l); })
            .starts_with("no result could be made: linear of raw pixels, untrained encoder, trained encoder: "
                         "linear probe: 2 images are too few"));
  CHECK(parsed(scratch, "run/linear.json").at("top1").at("trained").at("linear").is_null());
  CHECK(apps::report_html(run.run).find("</html>") != std::string::npos);
}

TEST_CASE("eval: classes without training images, and a single class, are noted") {
  const Scratch scratch;
  auto run = short_run(scratch);
  REQUIRE(apps::pretrain(run) == 0);
  auto k = evaluation_of<apps::KnnOptions>(run);
  k.data = small_cifar(scratch, "half", 20, 20, [](const std::string& file, int i, int) {
    return file == "test_batch.bin" ? i % 10 : i % 8;
  });
  REQUIRE(apps::knn(k) == 0);
  const std::string floors = "knn: the trained encoder is not above its floors";
  CHECK(parsed(scratch, "run/knn.json").at("notes") ==
        json{"4 test images are of classes without training images (8, 9), and count as wrong", floors});
  k.data = pictures_of(scratch, "one", 1, 3, 2);
  REQUIRE(apps::knn(k) == 0);
  const json one = parsed(scratch, "run/knn.json");
  CHECK(one.at("notes") == json{"there is a single class, so every prediction is right", floors});
  CHECK(one.at("top1").at("trained").at("knn") == 1);
  auto l = evaluation_of<apps::LinearOptions>(run);
  l.data = k.data;
  REQUIRE(apps::linear(l) == 0);
}

TEST_CASE("eval: top-5 beside top-1 where there are more than ten classes") {
  const Scratch scratch;
  const auto run = short_run(scratch);
  REQUIRE(apps::pretrain(run) == 0);
  auto e = evaluation_of<apps::EvalOptions>(run);
  REQUIRE(apps::eval(e) == 0);
  CHECK_FALSE(parsed(scratch, "run/eval.json").contains("top5"));  // ten classes
  e.data = pictures_of(scratch, "twelve", 12, 3, 2);
  REQUIRE(apps::eval(e) == 0);
  const json result = parsed(scratch, "run/eval.json");
  for (const char* row : {"raw", "untrained", "trained"})
    for (const auto& item : result.at("top1").at(row).items()) {
      CAPTURE(item.key());
      const double first = item.value(), best = result.at("top5").at(row).at(item.key());
      CHECK(best >= first);
      CHECK(best <= 1);
    }
  auto f = evaluation_of<apps::FinetuneOptions>(run);
  f.data = e.data;
  f.epochs = 1;
  REQUIRE(apps::finetune(f) == 0);
  CHECK(parsed(scratch, "run/finetune100.json").at("top5").at("trained").at("finetune100").is_number());
}

TEST_CASE("eval: features that are not finite are found first, and the image is named") {
  const Scratch scratch;
  auto run = short_run(scratch);
  REQUIRE(apps::pretrain(run) == 0);
  apps::PretrainOptions o = run;
  apps::resolve(o, true);
  const auto method = apps::make_method(o, engine::cpu);
  for (const auto& p : method->parameters.list())
    if (p.name == "encoder.layer4.0.bn2.bias")
      p.value.data<float>()[0] = std::numeric_limits<float>::infinity();
  apps::save_checkpoint(apps::checkpoint_path(run.run, 4), o, method->parameters, {}, {4});
  auto k = evaluation_of<apps::KnnOptions>(run);
  const std::string reason =
      "the encoder's features are not finite: the first is inf, of image "
      "data_batch_1.bin record 0; there is nothing to evaluate";
  REQUIRE(apps::knn(k) == 0);  // the floors are there
  const json result = parsed(scratch, "run/knn.json");
  CHECK(result.at("top1").at("untrained").at("knn").is_number());
  CHECK(result.at("top1").at("trained").at("knn").is_null());
  CHECK(result.at("reasons").at("trained").at("knn") == reason);
  CHECK(result.at("confusion").at("knn").is_null());  // not that of the row above
  k.no_floors = true;
  CHECK(message_of<std::runtime_error>([&] { apps::knn(k); }) ==
        "no result could be made: knn of trained encoder: " + reason);
  CHECK(apps::report_html(run.run).find("</html>") != std::string::npos);
}

TEST_CASE("eval: features whose cosines overflow are found first, and give neither 10 % nor a map of nulls") {
  const Scratch scratch;
  auto run = short_run(scratch);
  REQUIRE(apps::pretrain(run) == 0);
  apps::PretrainOptions o = run;
  apps::resolve(o, true);
  const auto method = apps::make_method(o, engine::cpu);
  for (const auto& p : method->parameters.list())
    if (p.name == "encoder.layer4.0.bn2.bias") p.value.data<float>()[0] = 1e25F;
  apps::save_checkpoint(apps::checkpoint_path(run.run, 4), o, method->parameters, {}, {4});
  for (const bool with_floors : {true, false}) {
    auto e = evaluation_of<apps::EvalOptions>(run);
    e.no_floors = !with_floors;
    const std::string error = message_of<std::runtime_error>([&] { apps::eval(e); });
    CHECK(error.empty() == with_floors);
    const json result = parsed(scratch, "run/eval.json");
    for (const auto& item : result.at("top1").at("trained").items()) {
      const std::string& classifier = item.key();
      CAPTURE(classifier);
      CHECK(item.value().is_null());
      CHECK(result.at("reasons")
                .at("trained")
                .at(classifier)
                .get<std::string>()
                .starts_with("the encoder's features are too large: the first is that of image "
                             "data_batch_1.bin record 0, of "
                             "length 1e+25, expected less than 1.84467e+19"));
    }
    CHECK_FALSE(fs::exists(run.run + "/map.json"));
  }
}

TEST_CASE("eval: --out gets all files, and the run none") {
  const Scratch scratch;
  const auto run = short_run(scratch);
  REQUIRE(apps::pretrain(run) == 0);
  const auto before = files_in(run.run);
  auto e = evaluation_of<apps::EvalOptions>(run);
  e.no_floors = true;
  e.out = scratch.path("a/b");  // is made
  REQUIRE(apps::eval(e) == 0);
  auto f = evaluation_of<apps::FinetuneOptions>(run);
  f.out = e.out;
  f.labels = 0.1;
  f.epochs = 1;
  REQUIRE(apps::finetune(f) == 0);
  CHECK(files_in(e.out) == std::vector<std::string>{"eval.json", "finetune10.json", "finetune10.txt",
                                                    "map.json", "neighbours.json"});
  CHECK(files_in(run.run) == before);

  scratch.write("file", "x");
  e.out = scratch.path("file");
  CHECK_THROWS_AS(apps::eval(e), engine::UsageError);
  e.out = "";
  CHECK(apps::hindrance(scratch.path("missing/result.json")) ==
        scratch.path("missing") + ": No such file or directory");
  CHECK(apps::hindrance("/proc/result.json").starts_with("/proc/result.json: "));  // root may write there
  CHECK(apps::hindrance("/dev/null") == "");
  CHECK(apps::hindrance("/dev/stdout") == "");
  CHECK(apps::hindrance(scratch.path("file/result.json")) == scratch.path("file") + ": is not a folder");
  CHECK(files_in(run.run) == before);
}

// A folder in a file's place can't be replaced, by root either. tests/faults/check_unwritable_run.sh has
// read-only folders and other users' files.
TEST_CASE("eval: what can't be written is left out, and the evaluation succeeds") {
  const Scratch scratch;
  const auto run = short_run(scratch);
  REQUIRE(apps::pretrain(run) == 0);
  auto k = evaluation_of<apps::KnnOptions>(run);
  k.no_floors = true;
  fs::create_directory(run.run + "/neighbours.json");
  CHECK(apps::knn(k) == 0);
  CHECK(parsed(scratch, "run/knn.json").at("top1").at("trained").at("knn").is_number());
  CHECK(fs::is_regular_file(run.run + "/map.json"));
  CHECK(apps::hindrance(run.run + "/neighbours.json") ==
        run.run + "/neighbours.json: is a folder, expected a file");
  for (const char* name : {"neighbours.json", "knn.json", "map.json", "report.html"})
    fs::remove(run.run + "/" + name);
  fs::create_directory(run.run + "/knn.json");
  const auto before = files_in(run.run);
  k.json = scratch.path("result.json");
  CHECK(apps::knn(k) == 0);
  CHECK(files_in(run.run) == before);
  CHECK(parsed(scratch, "result.json").at("test") == 20);
}

TEST_CASE("eval: at another size of the images") {
  const Scratch scratch;
  const auto run = short_run(scratch);
  REQUIRE(apps::pretrain(run) == 0);
  auto k = evaluation_of<apps::KnnOptions>(run);
  REQUIRE(apps::knn(k) == 0);
  const json usual = parsed(scratch, "run/knn.json");
  CHECK(usual.at("size") == 32);
  CHECK(usual.at("notes").empty());
  k.size = 32;
  REQUIRE(apps::knn(k) == 0);
  CHECK(parsed(scratch, "run/knn.json").at("confusion") == usual.at("confusion"));
  k.size = 20;
  REQUIRE(apps::knn(k) == 0);
  const json other = parsed(scratch, "run/knn.json");
  CHECK(other.at("size") == 20);
  CHECK(other.at("notes") == json{"images of 20 pixels; the encoder was trained with 32"});
  CHECK(other.at("confusion") != usual.at("confusion"));
  auto f = evaluation_of<apps::FinetuneOptions>(run);
  f.size = 20;
  f.epochs = 1;
  REQUIRE(apps::finetune(f) == 0);
  CHECK(parsed(scratch, "run/finetune100.json").at("size") == 20);
}

TEST_CASE("finetune and sgd: the plan says what is used") {
  const Scratch scratch;
  const auto run = short_run(scratch);
  const auto train = data::open_dataset(run.data, data::Split::train);
  apps::FinetuneOptions f;
  f.labels = 0.01;
  const apps::ClassifierPlan plan = apps::finetune_classifier(f).plan(*train);
  CHECK(plan.meaning == "fine-tuned with 1 % of the labels");
  CHECK(plan.settings ==
        "10 of 48 training images, at least one of each class; 60 epochs, batch 10, lr 0.00195312");
  CHECK(apps::sgd_classifier({}).plan(*train).settings == "batch 48, lr 0.01875");
  CHECK(apps::knn_classifier("knn", 200, 0.1).plan(*train).settings ==
        "all training images, as there are fewer than k = 200");
  CHECK(apps::knn_classifier("knn", 48, 0.1).plan(*train).settings == "");
}
