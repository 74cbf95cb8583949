// Every method in the program's own step: its loss falls, warm steps are equal and wait for nothing, and the
// commands take it. The page on adding a method shows SimSiam's file.
#include "models/methods/methods.h"

#include <doctest/doctest.h>

#include <optional>
#include <sstream>

#include "apps/cli/cli.h"
#include "apps/run/checkpoint.h"
#include "apps/run/model.h"
#include "apps/run/run_directory.h"
#include "apps/training/train_step.h"
#include "engine/memory/host_wait.h"
#include "engine/random.h"
#include "kernels/base/launch_log.h"
#include "tests/support/small_cifar.h"
#include "tests/support/tiny_training.h"

using namespace engine;

namespace {

// Views of `pairs` images of noise; the second view is a noisy copy of the first.
Tensor noisy_pairs(std::int64_t pairs) {
  Random random(5);
  std::vector<double> values;
  for (std::int64_t i = 0; i < pairs * 16 * 16 * 3; ++i) values.push_back(random.uniform(-1, 1));
  for (std::size_t i = 0, n = values.size(); i < n; ++i)
    values.push_back(values[i] + 0.3 * random.uniform(-1, 1));
  return from_vector({2 * pairs, 16, 16, 3}, values, DType::f32);
}

// Two images of each class; both views of an image have its class.
Tensor two_of_a_class(std::int64_t pairs) {
  const Tensor labels({2 * pairs}, DType::i32, cpu);
  for (std::int64_t i = 0; i < 2 * pairs; ++i) labels.data<std::int32_t>()[i] = std::int32_t(i % pairs / 2);
  return labels;
}

struct MethodAnswer {
  int code;
  std::string text;
};

MethodAnswer run_dyad(const std::vector<std::string>& words) {
  std::ostringstream out, err;
  const int code = apps::run_command_line(words, out, err);
  return {code, err.str()};
}

// Each method, and its forms that have other state or other launches.
struct Form {
  std::string method;
  std::vector<std::string> flags = {};
};
std::vector<Form> forms_of_methods() {
  std::vector<Form> all;
  for (const std::string& name : models::method_names()) all.push_back({name});
  all.push_back({"moco2", {"--split-norm=2"}});
  all.push_back({"moco2", {"--symmetric", "--queue=64"}});
  all.push_back({"simclr", {"--tau=learn:0.3"}});
  return all;
}

std::string text_file(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("docs/adding_a_method.md shows SimSiam's file and its line") {
  std::ifstream page("docs/adding_a_method.md");
  std::vector<std::pair<std::string, std::string>> blocks;  // path and text
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("```", 0) == 0) {
      inside = !inside;
      if (inside) blocks.emplace_back(line.substr(std::string("```cpp ").size()), "");
    } else if (inside) {
      blocks.back().second += line + '\n';
    }
  }
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].second == text_file(blocks[0].first));
  CHECK(std::count(blocks[1].second.begin(), blocks[1].second.end(), '\n') == 1);
  CHECK(text_file(blocks[1].first).find(blocks[1].second) != std::string::npos);
}

TEST_CASE("every method: the loss falls, and warm steps are equal and wait for nothing") {
  for (const std::string& name : models::method_names()) {
    INFO(name);
    const apps::PretrainOptions o = tiny_step(name);
    const auto method = apps::make_method(o, cpu);
    const auto optimizer = apps::make_optimizer(o, method->parameters);
    apps::TrainStep step(*method, *optimizer, single(), o.batch);
    const Tensor images = noisy_pairs(o.batch), labels = two_of_a_class(o.batch);
    Phases phases(cpu, false);
    LateScalar late(cpu);
    std::vector<double> losses;
    kernels::LaunchLog launched[16];
    for (auto& log : launched) {
      {
        std::optional<NoHostWait> none;
        if (losses.size() > 1) none.emplace();
        step.schedule(0.05, double(losses.size()) / 16);
        kernels::launch_log() = &log;
        late.start(step.launch(images, phases, labels));
        kernels::launch_log() = nullptr;
      }
      losses.push_back(late.value());
    }
    // moco2's queue holds keys of the same images, so its loss can't fall here
    if (name != "moco2") CHECK(losses.back() < 0.8 * losses.front());
    CHECK(losses.back() > 0);
    CHECK(launched[14].entries == launched[15].entries);
    REQUIRE(phases.milliseconds().size() > 2);
    CHECK(std::string(phases.milliseconds()[0].first) == "forward");
    CHECK(std::string(phases.milliseconds()[1].first) == "loss");
  }
}

TEST_CASE("every method: trained, resumed, evaluated and exported") {
  const Scratch scratch;
  const std::string data = small_cifar(scratch, "data", 96, 20);
  for (const Form& form : forms_of_methods()) {
    const std::string& name = form.method;
    const std::string folder = engine::concat_text(name, form.flags.size()), run = scratch.path(folder);
    INFO(folder);
    std::vector<std::string> pretrain = {"pretrain",         "--data=" + data,  "--run=" + run,
                                         "--method=" + name, "--arch=resnet10", "--width=0.125",
                                         "--out-dim=16",     "--batch=16",      "--steps=6",
                                         "--save-every=3",   "--threads=0"};
    pretrain.insert(pretrain.end(), form.flags.begin(), form.flags.end());
    MethodAnswer a = run_dyad(pretrain);
    REQUIRE_MESSAGE(a.code == 0, a.text);
    CHECK(apps::read_metrics(run).size() == 6);
    const std::string last = apps::checkpoint_path(run, 6),
                      saved = folder + "/checkpoints/step-00000006.safetensors", bytes = scratch.read(saved);

    std::filesystem::remove(last);
    pretrain.emplace_back("--resume=auto");
    a = run_dyad(pretrain);
    REQUIRE_MESSAGE(a.code == 0, a.text);
    CHECK(scratch.read(saved) == bytes);

    pretrain[3] = name == "simclr" ? "--method=byol" : "--method=simclr";
    a = run_dyad(pretrain);
    CHECK(a.code == 2);
    CHECK_MESSAGE(a.text.find("is of another model:") != std::string::npos, a.text);

    a = run_dyad({"knn", "--data=" + data, "--run=" + run, "--k=5", "--no-floors"});
    CHECK_MESSAGE(a.code == 0, a.text);
    a = run_dyad({"export", "--run=" + run, "--out=" + scratch.path("encoder.safetensors")});
    CHECK_MESSAGE(a.code == 0, a.text);
    CHECK(scratch.read(folder + "/report.html").find(models::describe_method({.method = name}, 16).title) !=
          std::string::npos);
    std::vector<std::string> bench = {"bench",         "step",      "--method=" + name, "--arch=resnet10",
                                      "--width=0.125", "--batch=4", "--size=16",        "--steps=1"};
    bench.insert(bench.end(), form.flags.begin(), form.flags.end());
    a = run_dyad(bench);
    CHECK_MESSAGE(a.code == 0, a.text);
  }
}

TEST_CASE("a target network follows the trained one: after the step (BYOL), before the keys (MoCo)") {
  for (const std::string name : {"byol", "moco2", "moco3"}) {
    INFO(name);
    apps::PretrainOptions o = tiny_step(name);
    o.target_momentum = 0.5;
    const auto method = apps::make_method(o, cpu);
    const auto optimizer = apps::make_optimizer(o, method->parameters);
    apps::TrainStep step(*method, *optimizer, single(), o.batch);
    Phases phases(cpu, false);
    const auto weight = [&](const Tensor& t) { return t.to_vector()[7]; };
    const auto of = [&](const std::string& parameter) {
      for (const Parameter& p : method->parameters.list())
        if (p.name == parameter) return weight(p.value);
      for (const auto& [state, value] : method->state())
        if (state == parameter) return weight(value);
      FAIL("no tensor ", parameter);
      return 0.0;
    };
    const std::string conv = "encoder.conv1.weight";
    double target = of(conv);
    CHECK(of("target." + conv) == target);
    for (int i = 0; i < 3; ++i) {
      const double before = of(conv);
      step.schedule(0.05, 0);
      step.launch(noisy_pairs(o.batch), phases);
      target = 0.5 * target + 0.5 * (name == "byol" ? of(conv) : before);
      CHECK(of("target." + conv) == doctest::Approx(target).epsilon(1e-5));
      CHECK(of(conv) != before);
    }
  }
}

TEST_CASE("a target begins with the weights that were read from a file") {
  const Scratch scratch;
  const std::string data = small_cifar(scratch, "data", 40, 10);
  const auto steps = [&](const std::string& seed, const std::string& out, const std::string& more) {
    std::vector<std::string> words = {"steps",
                                      "--data=" + data,
                                      "--out=" + scratch.path(out),
                                      "--method=byol",
                                      "--arch=resnet10",
                                      "--width=0.125",
                                      "--batch=4",
                                      "--steps=1",
                                      "--seed=" + seed,
                                      "--target-momentum=1"};
    if (!more.empty()) words.push_back(more);
    const MethodAnswer a = run_dyad(words);
    REQUIRE_MESSAGE(a.code == 0, a.text);
  };
  REQUIRE(run_dyad({"pretrain", "--data=" + data, "--run=" + scratch.path("run"), "--arch=resnet10",
                    "--width=0.125", "--batch=4", "--steps=1", "--seed=3", "--threads=0"})
              .code == 0);
  steps("9", "steps", "--init-weights=" + apps::checkpoint_path(scratch.path("run"), 1));
  const SafetensorsReader file(scratch.path("steps"));
  const auto values = [&](const std::string& name) {
    const TensorEntry* e = file.find(name);
    REQUIRE_MESSAGE(e != nullptr, name);
    const Tensor t(e->shape, e->dtype, cpu);
    file.read(*e, t.raw());
    return t.to_vector();
  };
  const std::string conv = "encoder.layer1.0.conv1.weight";
  CHECK(values("initial." + conv) == values("final.target." + conv));
  CHECK(values("initial." + conv) != values("final." + conv));
}

TEST_CASE("MoCo v2's queue takes the keys of each batch in place of the oldest") {
  apps::PretrainOptions o = tiny_step("moco2");
  o.queue = 24;
  const auto method = apps::make_method(o, cpu);
  const auto optimizer = apps::make_optimizer(o, method->parameters);
  apps::TrainStep step(*method, *optimizer, single(), o.batch);
  Phases phases(cpu, false);
  const auto queue = [&] {
    for (const auto& [name, value] : method->state())
      if (name == "queue.keys") return value.to_vector();
    return std::vector<double>();
  };
  std::vector<double> before = queue();
  REQUIRE(before.size() == 24 * 16);
  for (std::size_t i = 0; i < 5; ++i) {
    step.schedule(0.05, 0);
    step.launch(noisy_pairs(o.batch), phases);
    const std::vector<double> after = queue();
    for (std::size_t row = 0; row < 24; ++row) {
      double square = 0;
      for (std::size_t k = row * 16; k < row * 16 + 16; ++k) square += after[k] * after[k];
      CHECK(square == doctest::Approx(1).epsilon(1e-5));
      CHECK((after[row * 16] != before[row * 16]) == (row / 8 == i % 3));
    }
    before = after;
  }
  o.queue = 20;
  CHECK_THROWS_WITH(apps::resolve(o, true),
                    "--queue is 20, expected a multiple of --batch (8): each step replaces the oldest batch");
}

TEST_CASE("symmetric MoCo v2: a queue for the keys of each view, and equal warm steps") {
  apps::PretrainOptions o = tiny_step("moco2");
  o.queue = 24;
  o.symmetric = true;
  const auto method = apps::make_method(o, cpu);
  const auto optimizer = apps::make_optimizer(o, method->parameters);
  apps::TrainStep step(*method, *optimizer, single(), o.batch);
  Phases phases(cpu, false);
  const auto keys = [&](const std::string& name) {
    for (const auto& [own, value] : method->state())
      if (own == name) return value.slice(0, o.batch).to_vector();
    return std::vector<double>();
  };
  CHECK(keys("queue.keys") != keys("queue.first.keys"));
  const Tensor images = noisy_pairs(o.batch), swapped = images.clone();
  for (const std::int64_t view : {0, 1}) {
    const Tensor from = images.slice(view * 8, 8), to = swapped.slice((1 - view) * 8, 8);
    copy_bytes(to.raw(), cpu, from.raw(), cpu, from.bytes());
  }
  kernels::LaunchLog launched[3];
  std::vector<double> first, second;
  for (int i = 0; i < 3; ++i) {
    std::optional<NoHostWait> none;
    if (i > 0) none.emplace();
    step.schedule(0, 0);
    kernels::launch_log() = &launched[i];
    step.launch(images, phases);
    kernels::launch_log() = nullptr;
    none.reset();
    if (i == 0) first = keys("queue.first.keys"), second = keys("queue.keys");
  }
  CHECK(launched[1].entries == launched[2].entries);
  CHECK(first != second);

  // The views in the other order: their keys go to the other queues.
  const auto again = apps::make_method(o, cpu);
  const auto again_optimizer = apps::make_optimizer(o, again->parameters);
  apps::TrainStep other(*again, *again_optimizer, single(), o.batch);
  other.schedule(0, 0);
  other.launch(swapped, phases);
  for (const auto& [name, value] : again->state()) {
    if (name == "queue.keys") CHECK(value.slice(0, o.batch).to_vector() == first);
    if (name == "queue.first.keys") CHECK(value.slice(0, o.batch).to_vector() == second);
  }
}

TEST_CASE("a learned temperature: its bounds, its metrics, without weight decay") {
  const Scratch scratch;
  const std::string data = small_cifar(scratch, "data", 64, 10);
  const auto trained = [&](const std::string& name, const std::vector<std::string>& flags) {
    std::vector<std::string> words = {"pretrain",        "--data=" + data, "--run=" + scratch.path(name),
                                      "--arch=resnet10", "--width=0.125",  "--out-dim=16",
                                      "--batch=16",      "--steps=6",      "--warmup-epochs=0",
                                      "--optimizer=sgd", "--threads=0"};
    words.insert(words.end(), flags.begin(), flags.end());
    return run_dyad(words);
  };
  const auto taus = [&](const std::string& name) {
    std::vector<double> all;
    std::istringstream lines(scratch.read(name + "/metrics.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const auto json = nlohmann::json::parse(line);
      all.push_back(json.value("tau", NAN));
    }
    return all;
  };
  for (const std::string method : {"simclr", "supcon", "moco2"}) {
    INFO(method);
    REQUIRE(trained(method, {"--method=" + method, "--queue=64", "--tau=learn:0.3"}).code == 0);
    const std::vector<double> all = taus(method);
    REQUIRE(all.size() == 6);
    CHECK(all[0] != 0.3);
    CHECK(all[0] == doctest::Approx(0.3).epsilon(0.1));
    CHECK(all[5] != all[0]);
  }
  REQUIRE(trained("constant", {"--tau=0.3"}).code == 0);
  CHECK(std::isnan(taus("constant")[0]));

  // A rate so large that the temperature runs into a bound and stays there.
  REQUIRE(trained("bound", {"--tau=learn:0.3", "--lr=30"}).code == 0);
  bool bound = false;
  for (const double tau : taus("bound")) {
    CHECK(tau >= 0.01 * (1 - 1e-5));
    CHECK(tau <= 1 + 1e-5);
    bound = bound || tau == doctest::Approx(0.01) || tau == doctest::Approx(1);
  }
  CHECK(bound);

  for (const std::string optimizer : {"sgd", "lars", "adamw"}) {
    apps::PretrainOptions o = tiny_step("simclr");
    o.tau.learned = true;
    o.optimizer = optimizer;
    const auto method = apps::make_method(o, cpu);
    const auto found = std::find_if(method->parameters.list().begin(), method->parameters.list().end(),
                                    [](const Parameter& p) { return p.name == "log_tau"; });
    REQUIRE(found != method->parameters.list().end());
    CHECK(found->trained);
    CHECK_FALSE(found->decayed);
    CHECK(found->value.item() == doctest::Approx(std::log(0.2)));
  }

  for (const std::string method : {"byol", "simsiam", "moco3"}) {
    const MethodAnswer a = trained("none", {"--method=" + method, "--tau=learn:0.3"});
    CHECK(a.code == 2);
    CHECK(a.text == "dyad pretrain: --tau learn:0.3: the method " + method +
                        " does not learn its temperature, expected a number\n");
  }
  for (const std::string wrong : {"learn:0.001", "learn:2", "learn:", "learn:x", "learn"}) {
    const MethodAnswer a = trained("none", {"--tau=" + wrong});
    CHECK(a.code == 2);
    CHECK_MESSAGE(a.text.find("--tau is \"" + wrong +
                              "\", expected 0.001 to 100, or learn:0.01 to learn:1") != std::string::npos,
                  a.text);
  }
  const MethodAnswer other = trained("simclr", {"--tau=0.3", "--resume=auto"});
  CHECK(other.code == 2);
  CHECK_MESSAGE(other.text.find("is of another model: tau learn:0.3 -> 0.3") != std::string::npos,
                other.text);
  const MethodAnswer learned = trained("constant", {"--tau=learn:0.3", "--resume=auto"});
  CHECK(learned.code == 2);
  CHECK_MESSAGE(learned.text.find("is of another model: tau 0.3 -> learn:0.3") != std::string::npos,
                learned.text);
}

TEST_CASE("MoCo v2 in groups: warm steps are equal and wait for nothing, and keys belong to their queries") {
  apps::PretrainOptions o = tiny_step("moco2");
  o.split_norm = 2;
  const Tensor images = noisy_pairs(o.batch);
  const std::vector<std::int32_t> of_place = {3, 0, 7, 5, 1, 6, 2, 4};  // images, by the place of their key
  const Tensor shuffled = images.clone(), places({8}, DType::i32, cpu);
  for (std::int64_t place = 0; place < 8; ++place) {
    const std::int64_t image = of_place[std::size_t(place)];
    places.data<std::int32_t>()[image] = std::int32_t(place);
    const Tensor from = images.slice(8 + image, 1), to = shuffled.slice(8 + place, 1);
    copy_bytes(to.raw(), cpu, from.raw(), cpu, from.bytes());
  }
  const auto method = apps::make_method(o, cpu);
  const auto optimizer = apps::make_optimizer(o, method->parameters);
  apps::TrainStep step(*method, *optimizer, single(), o.batch);
  Phases phases(cpu, false);
  kernels::LaunchLog launched[4];
  for (int i = 0; i < 4; ++i) {
    std::optional<NoHostWait> none;
    if (i > 1) none.emplace();
    step.schedule(0, 0);
    kernels::launch_log() = &launched[i];
    step.launch(shuffled, phases, {}, places);
    kernels::launch_log() = nullptr;
  }
  CHECK(launched[2].entries == launched[3].entries);

  // The keys as the target computes them, each group by itself, stand in the queue in the order of the
  // images.
  const auto state = method->state();
  const auto queue =
      std::find_if(state.begin(), state.end(), [](const auto& s) { return s.first == "queue.keys"; });
  const Tensor keys = queue->second.slice(3 * 8, 8).clone();
  step.launch(shuffled, phases, {}, places);  // the rate is 0, so the weights and the keys are the same
  CHECK(queue->second.slice(4 * 8, 8).to_vector() == keys.to_vector());
  std::vector<double> in_order, expected = keys.to_vector();
  for (const std::int64_t half : {0, 4}) {
    apps::PretrainOptions whole = o;
    whole.split_norm = 1;
    whole.batch = 4;
    const auto apart = apps::make_method(whole, cpu);
    const Tensor z = l2_normalize(apart->branch()(shuffled.slice(8 + half, 4), {}));
    for (const double v : z.to_vector()) in_order.push_back(v);
  }
  for (std::size_t image = 0; image < 8; ++image)
    for (std::size_t k = 0; k < 16; ++k)
      CHECK(
          expected[image * 16 + k] ==
          doctest::Approx(in_order[std::size_t(places.data<std::int32_t>()[image]) * 16 + k]).epsilon(1e-4));
  CHECK_THROWS_WITH(step.launch(images, phases),
                    "moco2: no places of the second views, which batch norm in 2 groups needs");
}

TEST_CASE("--split-norm divides the batch, and only moco2's") {
  apps::PretrainOptions o = tiny_step("moco2");
  o.split_norm = 3;
  CHECK_THROWS_WITH(apps::resolve(o, true),
                    "--split-norm is 3, expected --batch (8) to be a multiple of it, at least 6");
  o.split_norm = 8;
  CHECK_THROWS_WITH(apps::resolve(o, true),
                    "--split-norm is 8, expected --batch (8) to be a multiple of it, at least 16");
  o.split_norm = 4;
  CHECK_NOTHROW(apps::resolve(o, true));
  o.symmetric = true;
  CHECK_THROWS_WITH(
      apps::resolve(o, true),
      "--symmetric: both views are queries, in order, so their keys can't be shuffled: expected "
      "--split-norm 1");
  apps::PretrainOptions byol = tiny_step("byol");
  byol.symmetric = true;
  CHECK_THROWS_WITH(apps::resolve(byol, true),
                    "--symmetric: the method byol has no queue, expected --method moco2");
  apps::PretrainOptions other;
  other.split_norm = 2;
  CHECK_THROWS_WITH(apps::resolve(other, true),
                    "--split-norm 2: the method simclr has no keys to shuffle, expected --method moco2");
}

TEST_CASE("options of a target network or a predictor are refused where a method has none") {
  apps::PretrainOptions o;
  o.target_momentum = 0.9;
  CHECK_THROWS_WITH(apps::resolve(o, true), "--target-momentum: the method simclr has no target network");
  o.target_momentum = -1;
  o.predictor_hidden = 4;
  CHECK_THROWS_WITH(apps::resolve(o, true), "--predictor-hidden: the method simclr has no predictor");
  apps::PretrainOptions other;
  other.method = "simsiam";
  other.predictor_hidden = 4;
  CHECK_NOTHROW(apps::resolve(other, true));
  CHECK(other.head_norm == "plain");
}

TEST_CASE("supcon learns from the classes of the data set, and refuses images without one") {
  const Scratch scratch;
  const auto steps = [&](const std::string& data, const std::string& out) {
    return run_dyad({"steps", "--data=" + data, "--out=" + scratch.path(out), "--method=supcon",
                     "--arch=resnet10", "--width=0.125", "--batch=8", "--steps=2", "--seed=3"});
  };
  const auto losses = [&](const std::string& out) {
    const SafetensorsReader file(scratch.path(out));
    // one ReLU of the stem, two of each of four blocks, and one of the head, which has no batch norm
    CHECK(file.find("relu.9") != nullptr);
    CHECK(file.find("relu.10") == nullptr);
    const TensorEntry* e = file.find("losses");
    REQUIRE(e != nullptr);
    const Tensor t(e->shape, e->dtype, cpu);
    file.read(*e, t.raw());
    return t.to_vector();
  };
  const auto relabelled = [&](const std::string& name, const Relabel& relabel) {
    REQUIRE(steps(small_cifar(scratch, name, 40, 10, relabel), name + "-steps").code == 0);
    return losses(name + "-steps");
  };
  const auto as_they_are = relabelled("a", {});
  CHECK(as_they_are == relabelled("b", [](const std::string&, int, int label) { return 9 - label; }));
  CHECK(as_they_are != relabelled("c", [](const std::string&, int i, int) { return i % 2; }));

  const std::string pixel = "P6\n1 1\n255\nabc";
  scratch.write("flat/a.ppm", pixel);
  const MethodAnswer flat = steps(scratch.path("flat"), "none");
  CHECK(flat.code == 65);
  CHECK(flat.text == "dyad steps: --method supcon learns from classes: " + scratch.path("flat") +
                         " has images but no class folders, expected CLASS/FILE, or --labels FILE\n");
  scratch.write("flat/x/b.ppm", pixel);
  const MethodAnswer single = steps(scratch.path("flat"), "none");  // without a.ppm, which has no class
  CHECK(single.code == 65);
  CHECK(single.text == "dyad steps: --method supcon learns from classes: " + scratch.path("flat") +
                           " has images of one class only, expected two or more\n");
  scratch.write("flat/y/c.ppm", pixel);
  const MethodAnswer mixed = steps(scratch.path("flat"), "none");
  CHECK(mixed.code == 2);
  CHECK_MESSAGE(mixed.text.find("flat has 2 images: expected --batch 2 or less") != std::string::npos,
                mixed.text);
  CHECK_FALSE(std::filesystem::exists(scratch.path("none")));
}

TEST_CASE("--branch target evaluates and exports the target network, and only where there is one") {
  const Scratch scratch;
  const std::string data = small_cifar(scratch, "data", 64, 20);
  const auto pretrained = [&](const std::string& method) {
    const MethodAnswer a = run_dyad({"pretrain", "--data=" + data, "--run=" + scratch.path(method),
                                     "--method=" + method, "--arch=resnet10", "--width=0.125", "--out-dim=8",
                                     "--batch=16", "--steps=4", "--threads=0"});
    REQUIRE_MESSAGE(a.code == 0, a.text);
    return scratch.path(method);
  };
  const auto command = [&](const std::string& name, const std::string& run, const std::string& branch,
                           const std::string& more) {
    return run_dyad({name, "--run=" + run, "--branch=" + branch, more});
  };
  const std::string run = pretrained("byol");
  const SafetensorsReader checkpoint(apps::checkpoint_path(run, 4));
  const auto tensor = [](const SafetensorsReader& file, const std::string& name) {
    const TensorEntry* e = file.find(name);
    REQUIRE_MESSAGE(e != nullptr, name);
    const Tensor t(e->shape, e->dtype, cpu);
    file.read(*e, t.raw());
    return t.to_vector();
  };
  std::map<std::string, std::string> hash;
  for (const std::string branch : {"online", "target"}) {
    INFO(branch);
    const std::string before = branch == "target" ? "target." : "",
                      out = scratch.path(branch + ".safetensors");
    MethodAnswer a = command("export", run, branch, "--out=" + out);
    REQUIRE_MESSAGE(a.code == 0, a.text);
    const SafetensorsReader exported(out);
    for (const std::string name : {"conv1.weight", "layer2.0.bn1.running_var", "layer4.0.conv2.weight"})
      CHECK(tensor(exported, name) == tensor(checkpoint, before + "encoder." + name));
    CHECK(exported.metadata().contains("branch") == (branch == "target"));

    a = command("knn", run, branch, "--k=5");
    REQUIRE_MESSAGE(a.code == 0, a.text);
    const auto result =
        nlohmann::json::parse(scratch.read(branch == "target" ? "byol/knn-target.json" : "byol/knn.json"));
    CHECK(result.at("branch") == branch);
    CHECK(result.at("encoder_hash") == exported.metadata().at("encoder_hash"));
    hash[branch] = result.at("encoder_hash");
    const bool noted = result.at("notes").dump().find("target network") != std::string::npos;
    CHECK(noted == (branch == "target"));
  }
  CHECK(hash["online"] != hash["target"]);
  MethodAnswer a = command("finetune", run, "target", "--epochs=1");
  CHECK_MESSAGE(a.code == 0, a.text);
  CHECK(nlohmann::json::parse(scratch.read("byol/finetune100-target.json")).at("branch") == "target");

  const std::string simclr = pretrained("simclr");
  for (const std::string name : {"eval", "knn", "linear", "finetune", "export"}) {
    a = command(name, simclr, "target",
                name == "export" ? "--out=" + scratch.path("e.safetensors") : "--seed=1");
    if (name == "knn") a = command(name, simclr, "target", "--k=5");
    CHECK(a.code == 2);
    CHECK(a.text == "dyad " + name + ": --branch target: the run's method, simclr, has no target network\n");
  }
  CHECK_FALSE(std::filesystem::exists(scratch.path("e.safetensors")));
}
