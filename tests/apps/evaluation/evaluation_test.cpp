// Evaluation does not change the encoder, and neither trains on nor selects by labels of the test set. Its
// results equal those from features computed by hand.
#include "apps/evaluation/evaluation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "apps/cli/commands.h"
#include "apps/evaluation/class_names.h"
#include "apps/evaluation/classifiers.h"
#include "apps/evaluation/fine_tuning.h"
#include "apps/evaluation/neighbours.h"
#include "apps/run/checkpoint.h"
#include "apps/run/model.h"
#include "apps/run/next_commands.h"
#include "apps/run/run_directory.h"
#include "apps/system/exit_code.h"
#include "data/subset.h"
#include "engine/tape.h"
#include "tests/support/small_cifar.h"

using nlohmann::json;

namespace {

apps::PretrainOptions tiny(const std::string& data, const std::string& run) {
  apps::PretrainOptions o;
  o.data = data;
  o.run = run;
  o.arch = "resnet10";
  o.width = 0.125;
  o.out_dim = 16;
  o.batch = 32;
  o.steps = 6;
  o.optimizer = "adamw";
  return o;
}

template <class Options>
Options of_run(const apps::PretrainOptions& run, const std::string& data) {
  Options o;
  o.data = data;
  o.run = run.run;
  return o;
}

json result(const Scratch& scratch, const std::string& name) { return json::parse(scratch.read(name)); }

int turned(int label) { return (label + 3) % 10; }

// A data set, and a copy with other labels in the test set.
std::pair<std::string, std::string> with_turned_tests(const Scratch& scratch) {
  return {small_cifar(scratch, "data", 300, 100),
          small_cifar(scratch, "other", 300, 100, [](const std::string& file, int, int label) {
            return file == "test_batch.bin" ? turned(label) : label;
          })};
}

// The predictions are equal, and the labels of the test set are shifted by three.
void check_turned(const json& before, const json& after) {
  CHECK(before.at("encoder_hash") == after.at("encoder_hash"));
  CHECK(before.at("classifiers") == after.at("classifiers"));
  for (const auto& item : before.at("confusion").items()) {
    const std::string& name = item.key();
    const json& counts = item.value();
    CAPTURE(name);
    double right = 0, all = 0;
    for (std::size_t label = 0; label < 10; ++label) {
      CHECK(counts[label] == after.at("confusion").at(name)[std::size_t(turned(int(label)))]);
      right += after.at("confusion").at(name)[label][label].get<double>();
      for (const auto& n : after.at("confusion").at(name)[label]) all += n.get<double>();
    }
    CHECK(after.at("top1").at("trained").at(name).get<double>() == doctest::Approx(right / all));
  }
}

}  // namespace

TEST_CASE("eval: one table, an unchanged encoder, and no influence of the test labels") {
  const Scratch scratch;
  const auto [data, other] = with_turned_tests(scratch);
  const auto o = tiny(data, scratch.path("run"));
  REQUIRE(apps::pretrain(o) == apps::kOk);
  const std::string checkpoint = apps::checkpoint_path(o.run, 6),
                    bytes = scratch.read("run/checkpoints/" +
                                         std::filesystem::path(checkpoint).filename().string());

  auto e = of_run<apps::EvalOptions>(o, data);
  REQUIRE(apps::eval(e) == apps::kOk);
  const json first = result(scratch, "run/eval.json");
  for (const char* name : {"knn", "knn20", "linear", "sgd"}) {
    CAPTURE(name);
    for (const char* row : {"untrained", "trained"})
      CHECK(first.at("top1").at(row).at(name).get<double>() > 0.05);
    CHECK(first.at("top1").at("raw").contains(name) == (std::string(name) != "sgd"));
  }
  CHECK(first.at("classifiers").at("knn").at("k") == 200);
  CHECK(first.at("classifiers").at("knn20").at("temperature") == 0.07);
  CHECK(first.at("step") == 6);
  CHECK(first.at("test") == 100);

  SUBCASE("the encoder's hash is that of the checkpoint, whose file is unchanged") {
    apps::PretrainOptions resolved = o;
    apps::resolve(resolved, true);
    const auto method = apps::make_method(resolved, engine::cpu);
    apps::load_parameters(apps::Checkpoint(checkpoint), method->parameters);
    CHECK(first.at("encoder_hash") == apps::FrozenEncoder(method->parameters).hash());
    CHECK(scratch.read("run/checkpoints/" + std::filesystem::path(checkpoint).filename().string()) == bytes);
  }
  SUBCASE("other test labels: the same predictions") {
    e.data = other;
    REQUIRE(apps::eval(e) == apps::kOk);
    check_turned(first, result(scratch, "run/eval.json"));
  }
  SUBCASE("knn and linear give the same results as eval") {
    auto k = of_run<apps::KnnOptions>(o, data);
    auto l = of_run<apps::LinearOptions>(o, data);
    k.no_floors = l.no_floors = true;
    REQUIRE(apps::knn(k) == apps::kOk);
    REQUIRE(apps::linear(l) == apps::kOk);
    CHECK(result(scratch, "run/knn.json").at("confusion").at("knn") == first.at("confusion").at("knn"));
    CHECK(result(scratch, "run/linear.json").at("confusion").at("linear") ==
          first.at("confusion").at("linear"));
    CHECK_FALSE(result(scratch, "run/knn.json").at("top1").contains("raw"));
  }
}

TEST_CASE(
    "eval: reads the checkpoint before computing the baselines, so a training may delete it meanwhile") {
  const Scratch scratch;
  const std::string data = small_cifar(scratch, "data", 96, 40);
  const auto o = tiny(data, scratch.path("run"));
  REQUIRE(apps::pretrain(o) == apps::kOk);
  const apps::Evaluation e{of_run<apps::EvalOptions>(o, data), "eval", 256, false};
  apps::FinetuneOptions f = of_run<apps::FinetuneOptions>(o, data);
  f.epochs = 1;
  f.batch = 32;
  apps::Classifier knn = apps::knn_classifier("knn", 5, 0.1);
  REQUIRE(apps::evaluate(e, {knn, apps::finetune_classifier(f)}) == apps::kOk);
  const json whole = result(scratch, "run/eval.json");

  knn.classify = [&, said = knn.classify](const apps::Features& train, const engine::Tensor& test, int n) {
    for (const std::string& file : apps::checkpoints(o.run)) std::filesystem::remove(file);
    return said(train, test, n);
  };
  REQUIRE(apps::evaluate(e, {knn, apps::finetune_classifier(f)}) == apps::kOk);
  REQUIRE(apps::checkpoints(o.run).empty());
  const json after = result(scratch, "run/eval.json");
  for (const char* key : {"top1", "confusion", "step", "checkpoint", "encoder_hash"})
    CHECK(after.at(key) == whole.at(key));
}

TEST_CASE("eval: a probe that changes the encoder is detected") {
  apps::PretrainOptions o = tiny("", "");
  apps::resolve(o, true);
  const auto method = apps::make_method(o, engine::cpu);
  const apps::FrozenEncoder frozen(method->parameters);
  const engine::Tensor images = engine::full({4, 32, 32, 3}, 0.5, engine::DType::f32, engine::cpu);
  const engine::NoGrad no_grad;
  (void)method->branch().encoder(images, {.mode = engine::Mode::eval});
  frozen.check("a probe");                                                // unchanged: no error
  (void)method->branch().encoder(images, {.mode = engine::Mode::train});  // moves the running statistics
  CHECK_THROWS_WITH(frozen.check("a probe"), "a probe: the evaluation changed the encoder");

  const auto another = apps::make_method(o, engine::cpu);
  const apps::FrozenEncoder of_another(another->parameters);
  for (const auto& p : another->parameters.list())
    if (p.name == "encoder.layer4.0.conv2.weight") p.value.data<float>()[7] += 1e-6F;
  CHECK_THROWS(of_another.check("a probe"));
}

TEST_CASE(
    "eval: the report's neighbours are the training images with the largest cosines, and the queries are "
    "spread over the classes") {
  const Scratch scratch;
  const std::string data = small_cifar(scratch, "data", 5, 3, [](const std::string& file, int i, int) {
    return file == "test_batch.bin" ? 2 - i : i;  // the first test image of class 0 is the last
  });
  const auto train_images = data::open_dataset(data, data::Split::train),
             test_images = data::open_dataset(data, data::Split::test);
  const apps::Features train{
      engine::from_vector({5, 2}, {1, 0, 0, 2, -3, 0, 4, 4, 0, -5}, engine::DType::f32), {0, 1, 2, 3, 4}},
      test{engine::from_vector({3, 2}, {0, -1, 1, 3, 2, 0}, engine::DType::f32), {2, 1, 0}};
  const auto found = apps::nearest_neighbours(train, test, *train_images, *test_images, 2, 3);
  REQUIRE(found.at("queries").size() == 2);
  const std::vector<std::vector<std::pair<int, double>>> expected = {
      {{0, 1}, {3, std::sqrt(0.5)}, {1, 0}}, {{1, std::sqrt(0.9)}, {3, std::sqrt(0.8)}, {0, std::sqrt(0.1)}}};
  for (std::size_t q = 0; q < 2; ++q) {
    CHECK(found["queries"][q].at("label") == q);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto& n = found["queries"][q].at("neighbours").at(i);
      CHECK(n.at("label") == expected[q][i].first);
      CHECK(n.at("cosine").get<double>() == doctest::Approx(expected[q][i].second));
    }
  }
  const auto all = apps::nearest_neighbours(train, test, *train_images, *test_images, 10, 8);
  CHECK(all.at("queries").size() == 3);  // as many as there are test images
  CHECK(all["queries"][0].at("neighbours").size() == 5);
}

TEST_CASE("eval: queries of few classes come in rounds; the map places each test image") {
  const Scratch scratch;
  const std::string data =
      small_cifar(scratch, "data", 5, 6, [](const std::string&, int i, int) { return i < 4 ? 0 : 7; });
  const auto images = data::open_dataset(data, data::Split::train),
             test_images = data::open_dataset(data, data::Split::test);
  const apps::Features train{engine::from_vector({5, 1}, {1, 2, 3, 4, 5}, engine::DType::f32),
                             {0, 0, 0, 0, 7}},
      test{engine::from_vector({6, 2}, {1, 0, 2, 1, 3, 1, 4, 1, 5, 2, 6, 1}, engine::DType::f32),
           {0, 0, 0, 0, 7, 7}};
  const apps::Features flat{engine::from_vector({6, 1}, {1, 2, 3, 4, 5, 6}, engine::DType::f32), test.labels};
  json labels;
  const auto found = apps::nearest_neighbours(train, flat, *images, *test_images, 5, 1);
  for (const auto& q : found.at("queries")) labels.push_back(q.at("label").get<int>());
  CHECK(labels == json{0, 7, 0, 7, 0});

  const json map = apps::feature_map(test, *test_images, 1000);
  REQUIRE(map.at("points").size() == 6);
  CHECK(map["points"][4][2] == 7);
  CHECK(map["points"][4][3] == test_images->name(4));
  CHECK(apps::feature_map(test, *test_images, 2).at("points").size() == 2);
}

TEST_CASE("eval: readable names of class folders") {
  const Scratch scratch;
  const std::vector<std::string> classes = {"n01440764", "n01443537", "dog"};
  using nlohmann::ordered_json;
  CHECK(apps::readable_class_names(scratch.path("data"), classes) == ordered_json::object());
  scratch.write("data/words.txt", "n01443537\tgoldfish, Carassius auratus\r\nn99\tother\n");
  CHECK(apps::readable_class_names(scratch.path("data"), classes) ==
        ordered_json{{"n01443537", "goldfish, Carassius auratus"}});
  scratch.write("data/class_names.txt", "n01440764 tench\nn01443537\n\ndog  the dog \n");
  CHECK(apps::readable_class_names(scratch.path("data"), classes) ==
        ordered_json{{"n01440764", "tench"}, {"dog", "the dog"}});
}

TEST_CASE(
    "finetune: learns from a share of the labels, independent of test labels; frozen keeps the encoder") {
  const Scratch scratch;
  const auto [data, other] = with_turned_tests(scratch);
  const auto o = tiny(data, scratch.path("run"));
  REQUIRE(apps::pretrain(o) == apps::kOk);
  auto f = of_run<apps::FinetuneOptions>(o, data);
  f.labels = 0.1;
  f.epochs = 15;
  f.batch = 16;
  REQUIRE(apps::finetune(f) == apps::kOk);
  const json first = result(scratch, "run/finetune10.json");
  const json details = first.at("classifiers").at("finetune10");
  CHECK(details.at("last_loss").get<double>() < 2.25);  // ln 10 is 2.303
  const std::string list = scratch.read("run/finetune10.txt");
  CHECK(std::count(list.begin(), list.end(), '\n') == details.at("labelled").get<int>());
  CHECK(std::abs(details.at("labelled").get<int>() - 30) <= 5);  // rounded per class

  f.data = other;
  REQUIRE(apps::finetune(f) == apps::kOk);
  check_turned(first, result(scratch, "run/finetune10.json"));

  f.data = data;  // the same images by their list: the same training
  f.list = scratch.path("run/finetune10.txt");
  REQUIRE(apps::finetune(f) == apps::kOk);
  CHECK(result(scratch, "run/finetune-list.json").at("confusion").at("finetune-list") ==
        first.at("confusion").at("finetune10"));

  f.list = "";
  f.frozen = true;  // fine_tune() checks that the encoder is unchanged
  REQUIRE(apps::finetune(f) == apps::kOk);
  CHECK(result(scratch, "run/frozen10.json").at("confusion") != first.at("confusion"));
}

TEST_CASE("pretraining uses no label, and a probe during training changes nothing") {
  const Scratch scratch;
  const auto last = [&](const std::string& run) {
    return scratch.read(run + "/checkpoints/step-00000006.safetensors");
  };
  const auto tensors = [&](const std::string& run) {  // without the header, which has a hash of the labels
    const std::string file = last(run);
    std::uint64_t header = 0;
    std::memcpy(&header, file.data(), sizeof header);
    return file.substr(sizeof header + header);
  };
  auto plain = tiny(small_cifar(scratch, "data", 96, 10), scratch.path("plain"));
  REQUIRE(apps::pretrain(plain) == apps::kOk);

  auto probed = plain;
  probed.run = scratch.path("probed");
  probed.probe_every = 1;  // after steps 3 and 6
  probed.probe_images = 60;
  REQUIRE(apps::pretrain(probed) == apps::kOk);
  CHECK(last("probed") == last("plain"));
  const std::string lines = scratch.read("probed/monitor.jsonl");
  const json line = json::parse(lines.substr(lines.find('\n') + 1));
  CHECK(line.at("step") == 6);
  for (const char* key : {"probe_knn", "probe_linear", "probe_floor"}) {
    CHECK(line.at(key).get<double>() >= 0);
    CHECK(line.at(key).get<double>() <= 1);
    const double right = 12 * line.at(key).get<double>();  // of the 12 images that were held out
    CHECK(right == doctest::Approx(std::round(right)));
  }
  for (const char* key : {"deviation", "alignment", "rank_embeddings", "rank_features"})
    CHECK(line.at(key).get<double>() > 0);
  CHECK(line.at("uniformity").get<double>() < 0);

  auto relabelled = plain;
  relabelled.run = scratch.path("relabelled");
  relabelled.data =
      small_cifar(scratch, "other", 96, 10, [](const std::string&, int i, int) { return i % 7; });
  REQUIRE(apps::pretrain(relabelled) == apps::kOk);
  CHECK(last("relabelled") != last("plain"));
  CHECK(tensors("relabelled") == tensors("plain"));

  auto untested = probed;  // the probe needs no test set
  untested.run = scratch.path("untested");
  std::filesystem::remove(scratch.path("data") + "/test_batch.bin");
  REQUIRE(apps::pretrain(untested) == apps::kOk);
  CHECK(last("untested") == last("plain"));
}

TEST_CASE("probes and SupCon take the classes of a folder without classes from --labels") {
  const Scratch scratch;
  std::string table = "file,class\n";
  for (int i = 0; i < 64; ++i) {
    const std::string name = std::to_string(100 + i) + ".ppm";
    scratch.write("flat/" + name, "P6 8 8 255\n" + std::string(192, char(i % 2 ? 200 : 20)));
    if (i < 60) table += name + (i % 2 ? ",light\n" : ",dark\n");
  }
  auto plain = tiny(scratch.path("flat"), scratch.path("plain"));
  plain.steps = 4;
  REQUIRE(apps::pretrain(plain) == apps::kOk);
  auto probed = plain;
  probed.run = scratch.path("probed");
  probed.label_file = scratch.write("labels.csv", table);
  probed.probe_every = 1;
  probed.probe_images = 60;
  REQUIRE(apps::pretrain(probed) == apps::kOk);
  const std::string lines = scratch.read("probed/monitor.jsonl");
  CHECK(json::parse(lines.substr(0, lines.find('\n'))).at("probe_floor").get<double>() < 0.9);
  const auto loss = [&](const std::string& run) {
    const std::string text = scratch.read(run + "/metrics.jsonl");
    return json::parse(text.substr(0, text.find('\n'))).at("loss");
  };
  CHECK(loss("probed") == loss("plain"));  // all 64 images, in the same order

  auto supervised = probed;
  supervised.run = scratch.path("supervised");
  supervised.method = "supcon";
  supervised.probe_every = 0;
  REQUIRE(apps::pretrain(supervised) == apps::kOk);
  CHECK(scratch.read("supervised/train.log").find("60 images") != std::string::npos);
  CHECK(apps::evaluate_command(apps::read_run_options(supervised.run)).second.find(" --labels ") !=
        std::string::npos);
}
