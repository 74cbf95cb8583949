// Resuming with changes: what happens and what is said, change by change. docs/checkpoints.md has this table
// in words.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/cli/cli.h"
#include "apps/run/checkpoint.h"
#include "apps/run/run_directory.h"
#include "apps/training/training_data.h"
#include "tests/support/captured_stderr.h"
#include "tests/support/scratch.h"
#include "tests/support/small_cifar.h"

namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

struct Told {
  int code;
  Words lines;  // on stderr
};

Told told_by(const Words& arguments) {
  std::ostringstream out, error;
  CapturedStderr captured;
  const int code = apps::run_command_line(arguments, out, error);
  std::istringstream text(captured.text() + error.str());
  Words lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return {code, lines};
}

// What a reader of a resumed run must know.
bool remarks(const std::string& line) {
  return line.starts_with("resuming ") || line.starts_with("schedule: ") || line.starts_with("already ") ||
         line.starts_with("the warm-up ") || line.starts_with("dyad pretrain: ") ||
         line.starts_with("no checkpoint ") || line.find(" continues in ") != std::string::npos;
}

Words joined_words(Words first, const Words& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

long newest_step(const std::string& run) {
  const auto newest = apps::newest_checkpoint(run);
  return newest ? newest->step() : 0;
}

// Names, bytes and times of all files.
std::map<std::string, std::pair<std::string, fs::file_time_type>> state_of(const Scratch& scratch,
                                                                           const std::string& run) {
  std::map<std::string, std::pair<std::string, fs::file_time_type>> files;
  for (const auto& entry : fs::recursive_directory_iterator(scratch.path(run)))
    if (entry.is_regular_file()) {
      const std::string name = fs::relative(entry.path(), scratch.folder).string();
      files[name] = {scratch.read(name), entry.last_write_time()};
    }
  return files;
}

// 32 images and two epochs in batches of four: 16 steps, eight an epoch. `half` is this run as a kill after
// step 11 leaves it: in the second epoch, of which 12 images are seen.
struct Runs {
  Scratch scratch;
  std::string data = small_cifar(scratch, "data", 32, 4);
  Words flags = {"pretrain", "--data",    data, "--arch",       "resnet10", "--width", "0.0625", "--out-dim",
                 "8",        "--threads", "0",  "--batch",      "4",        "--lr",    "0.1",    "--size",
                 "16",       "--epochs",  "2",  "--save-every", "11",       "--keep",  "9"};

  Runs() {
    REQUIRE(told_by(joined_words(flags, {"--run", scratch.path("whole")})).code == 0);
    copy("whole", "half");
    for (const char* later : {"/checkpoints/step-00000016.safetensors", "/report.html", "/training.json"})
      REQUIRE(fs::remove(scratch.path("half") + later));
    small_cifar(scratch, "other", 32, 4, [](const std::string&, int i, int) { return i % 10; });
    small_cifar(scratch, "more", 48, 4);
    small_cifar(scratch, "fewer", 8, 4);
    scratch.write("lr.toml", "[pretrain]\nlr = 0.2\nbatch = 8\n");
    scratch.write("length.toml", "[pretrain]\nepochs = 3\n");
  }
  void copy(const std::string& from, const std::string& to) const {
    fs::copy(scratch.path(from), scratch.path(to), fs::copy_options::recursive);
  }
  std::string last(const std::string& run, long step) const {
    return scratch.read(fs::relative(apps::checkpoint_path(scratch.path(run), step), scratch.folder));
  }
};

struct Change {
  std::string from, arguments;  // DIR stands for the scratch folder
  int code;
  long step;    // the newest checkpoint's, afterwards
  Words lines;  // how the lines begin that say so
};

std::vector<Change> changes() {
  const std::string other = "resuming with other options: ", images = "resuming with other images: ",
                    place = "step 12 continues in epoch 2 at image ",
                    whole_batch = ", with the next whole batch of ",
                    cosine = " along a cosine to 0 after step ", falling = ", falling" + cosine,
                    further = "; --epochs N trains further", wrong = "dyad pretrain: ",
                    wrong_file = wrong + "DIR/run/checkpoints/step-00000011.safetensors ",
                    data32 = "CIFAR-10: 32 images, 10 classes", data48 = "CIFAR-10: 48 images, 10 classes";

  // clang-format off
  return {
    {"half", "", 0, 16, {}},
    {"whole", "", 0, 16, {"already at step 16 of 16" + further}},
    {"nowhere", "FLAGS", 0, 16, {"no checkpoint in DIR/run, starting at step 1"}},
    // the length
    {"half", "--epochs 3", 0, 24, {other + "epochs 2 -> 3",
        "schedule: 24 steps instead of 16; the learning rate continues at 0.0641 instead of 0.0283 at step 12" + falling + "24"}},
    {"whole", "--epochs 3", 0, 24, {other + "epochs 2 -> 3",
        "schedule: 24 steps instead of 16; the learning rate continues at 0.0292 instead of 0 at step 17" + falling + "24"}},
    {"half", "--epochs 1", 0, 11, {"already at step 11, beyond the 8 asked for" + further}},
    {"half", "--steps 11", 0, 11, {"already at step 11 of 11; --steps N trains further"}},
    {"half", "--steps 20", 0, 20, {other + "epochs 2 -> steps 20", "schedule: 20 steps instead of 16"}},
    {"half", "--epochs 3 --steps 20", 0, 20, {other + "epochs 2 -> steps 20", "schedule: 20 steps"}},
    {"half", "--steps 20 --epochs 3", 0, 24, {other + "epochs 2 -> 3", "schedule: 24 steps"}},
    // the batch
    {"half", "--batch 8", 0, 13, {other + "batch 4 -> 8", place + "17 of 32" + whole_batch + "8", "schedule: 13 steps instead of 16"}},
    {"half", "--batch 3", 0, 17, {other + "batch 4 -> 3", place + "13 of 32" + whole_batch + "3", "schedule: 17 steps instead of 16"}},
    {"half", "--init-weights DIR/other.safetensors", 0, 16, {"resuming with the weights of the checkpoint: --init-weights is not used", other + "init-weights  -> "}},
    {"half", "--batch 64", 2, 11, {wrong + "--batch is 64, but DIR/data has 32 images: expected --batch 32 or less"}},
    // the optimizer
    {"half", "--lr 0.5", 0, 16, {other + "lr 0.1 -> 0.5", "schedule: 16 steps; the learning rate continues at 0.142 instead of 0.0283"}},
    {"half", "--warmup-epochs 2", 0, 16, {"the warm-up of 2 epochs takes the whole of the training of 2 epochs", other + "warmup-epochs 0.2 -> 2",
        "schedule: 16 steps; the learning rate continues at 0.0688 instead of 0.0283 at step 12, rising until step 16"}},
    {"half", "--warmup-epochs 1.75", 0, 16, {other + "warmup-epochs 0.2 -> 1.75",
        "schedule: 16 steps; the learning rate continues at 0.0786 instead of 0.0283 at step 12, rises to 0.1 after step 14, and falls" + cosine + "16"}},
    {"half", "--warmup-epochs 5", 0, 16, {"the warm-up of 5 epochs is longer than the training of 2 epochs",
        other + "warmup-epochs 0.2 -> 5", "schedule: 16 steps"}},
    {"half", "--momentum 0.8", 0, 16, {other + "momentum 0.9 -> 0.8"}},
    {"half", "--optimizer sgd", 2, 11, {wrong_file + "has the state of another optimizer: optimizer lars -> sgd"}},
    // the model and the method
    {"half", "--arch resnet18", 2, 11, {wrong_file + "is of another model: arch resnet10 -> resnet18"}},
    {"half", "--dtype f64", 2, 11, {wrong_file + "is of another precision: dtype f32 -> f64"}},
    {"half", "--dtype bf16", 0, 16, {other + "dtype f32 -> bf16"}},
    {"half", "--tau 0.2", 0, 16, {other + "tau 0.5 -> 0.2"}},
    // the images
    {"half", "--size 24", 0, 16, {other + "size 16 -> 24"}},
    {"half", "--seed 7", 0, 16, {other + "seed 0 -> 7"}},
    {"half", "--data DIR/other", 0, 16, {images + data32 + ", but another list of names or labels"}},
    {"half", "--data DIR/more", 0, 20, {images + data32 + " -> " + data48, place + "13 of 48" + whole_batch + "4", "schedule: 20 steps"}},
    {"half", "--data DIR/fewer", 0, 11, {"already at step 11 of 11" + further}},
    // the command line wins over --config, and both over what is stored
    {"half", "--config DIR/lr.toml", 0, 13, {other + "batch 4 -> 8, lr 0.1 -> 0.2", place + "17 of 32", "schedule: 13 steps"}},
    {"half", "--config DIR/lr.toml --batch 4", 0, 16, {other + "lr 0.1 -> 0.2", "schedule: 16 steps"}},
    {"half", "--config DIR/length.toml", 0, 24, {other + "epochs 2 -> 3", "schedule: 24 steps"}},
    {"half", "--config DIR/length.toml --steps 12", 0, 12, {other + "epochs 2 -> steps 12", "schedule: 12 steps"}},
    // what does not change the result
    {"half", "--threads 2 --save-every 1 --keep 1 --resident on", 0, 16, {}},
};
  // clang-format on
}

}  // namespace

TEST_CASE("resuming with changes: what happens, and what is said") {
  const Runs runs;
  for (const Change& change : changes()) {
    const std::string run = runs.scratch.path("run");
    fs::remove_all(run);
    if (change.from != "nowhere") runs.copy(change.from, "run");
    Words arguments = {"pretrain", "--run", run, "--resume", "auto"};
    std::istringstream words(change.arguments);
    for (std::string word; words >> word;) {
      if (word == "FLAGS")
        arguments.insert(arguments.end(), runs.flags.begin() + 1, runs.flags.end());
      else
        arguments.push_back(replaced(word, "DIR", runs.scratch.folder));
    }
    CAPTURE(change.arguments);
    const Told told = told_by(arguments);
    CHECK(told.code == change.code);
    CHECK(newest_step(run) == change.step);
    Words said;
    for (const std::string& line : told.lines)
      if (remarks(line)) said.push_back(line);
    for (std::size_t i = 0; i < std::max(said.size(), change.lines.size()); ++i) {
      REQUIRE(i < change.lines.size());
      const std::string expected = replaced(change.lines[i], "DIR", runs.scratch.folder);
      CHECK((i < said.size() ? said[i].substr(0, expected.size()) : "nothing") == expected);
    }
    if (said.empty()) CHECK(runs.last("run", 16) == runs.last("whole", 16));
  }
}

TEST_CASE("a resumed run keeps the test split that it was begun with") {
  const Scratch scratch;
  for (const char* file : {"photos/1.png", "photos/2.png", "photos/3.png", "photos/4.png"})
    scratch.write(file, "x");
  apps::PretrainOptions o;
  o.data = scratch.path("photos"), o.run = scratch.path("run"), o.resume = "auto", o.split_from = 0.5;
  CHECK(apps::pretraining_images(o)->size() == 2);  // of images without classes
  scratch.write("run/config.toml", "[pretrain]\nsplit-from = 0.25\n");
  scratch.write("run/checkpoints/step-00000001.safetensors", "x");
  CHECK(message_of<engine::UsageError>([&] { apps::pretraining_images(o); }) ==
        "--split-from is 0.5, but the run was begun with 0.25 and keeps its test split: leave it out");
}

TEST_CASE("a finished run with nothing left to do is left as it is, and gives its result again") {
  const Runs runs;
  const std::string run = runs.scratch.path("run"), json = runs.scratch.path("result.json");
  runs.copy("whole", "run");
  const auto before = state_of(runs.scratch, "run");
  REQUIRE(before.count("run/training.json") == 1);
  for (const Words& more : {Words{}, Words{"--lr", "9", "--tau", "0.7"}, Words{"--steps", "3"}}) {
    const Told told =
        told_by(joined_words({"pretrain", "--run", run, "--resume", "auto", "--json", json}, more));
    CHECK(told.code == 0);
    CHECK(told.lines.size() == 1);
    CHECK(state_of(runs.scratch, "run") == before);
    const auto result = nlohmann::json::parse(runs.scratch.read("result.json"));
    auto expected = nlohmann::json::parse(runs.scratch.read("whole/training.json"));
    expected["run"] = run;
    expected["checkpoint"] = run + "/checkpoints/step-00000016.safetensors";
    CHECK(result == expected);
    CHECK(fs::exists(result["checkpoint"].get<std::string>()));
  }
}

TEST_CASE("going back in time: asked for, and later checkpoints are moved aside whole") {
  const Runs runs;
  const std::string run = runs.scratch.path("run"), from = apps::checkpoint_path(run, 11),
                    later = apps::checkpoint_path(run, 16);
  runs.copy("whole", "run");
  const auto before = state_of(runs.scratch, "run");
  const Words back = {"pretrain", "--run", run, "--resume", from, "--keep", "1", "--lr", "0.5"};
  const Told refused = told_by(back);
  CHECK(refused.code == 2);
  CHECK(refused.lines == Words{"dyad pretrain: --resume " + from + " is of step 11, and " + run +
                               " has later checkpoints, the last one " + later +
                               ": --resume auto continues from that, --discard-newer moves them aside and "
                               "continues from here"});
  CHECK(state_of(runs.scratch, "run") == before);
  const Told told = told_by(joined_words(back, {"--discard-newer"}));
  CHECK(told.code == 0);
  const std::string aside = "moved aside: " + later + ".aside, of a later step than 11";
  CHECK(std::count(told.lines.begin(), told.lines.end(), aside) == 1);
  CHECK(runs.scratch.read("run/checkpoints/step-00000016.safetensors.aside") == runs.last("whole", 16));
  CHECK(runs.last("run", 16) != runs.last("whole", 16));
}

TEST_CASE("resuming past a damaged checkpoint: it is said, moved aside, and only it") {
  const Runs runs;
  const std::string run = runs.scratch.path("run"), later = apps::checkpoint_path(run, 16);
  runs.copy("whole", "run");
  std::string bytes = runs.last("whole", 16);
  bytes.back() = char(bytes.back() ^ 1);
  runs.scratch.write("run/checkpoints/step-00000016.safetensors", bytes);
  const Told told = told_by({"pretrain", "--run", run, "--resume", "auto", "--keep", "1"});
  CHECK(told.code == 0);
  CHECK(std::count_if(told.lines.begin(), told.lines.end(), [&](const std::string& line) {
          return line.starts_with("dyad: skipped a damaged checkpoint: " + later) ||
                 line.starts_with("moved aside: " + later + ".aside");
        }) == 2);
  CHECK(runs.last("run", 16) == runs.last("whole", 16));
  CHECK(runs.scratch.read("run/checkpoints/step-00000016.safetensors.aside") == bytes);
}

TEST_CASE("a run is locked before its checkpoint is read") {
  const Runs runs;
  const std::string run = runs.scratch.path("run");
  runs.copy("half", "run");
  runs.scratch.write("run/checkpoints/step-00000012.safetensors", "damaged: whoever reads it says so");
  const auto before = state_of(runs.scratch, "run");
  {
    const apps::RunLock other = apps::lock_run(run);
    REQUIRE(other != nullptr);
    const Told told = told_by({"pretrain", "--run", run, "--resume", "auto"});
    CHECK(told.code == 2);
    CHECK(told.lines == Words{"dyad pretrain: " + run + ": another process is writing this run"});
  }
  CHECK(state_of(runs.scratch, "run") == before);
  CHECK(told_by({"pretrain", "--run", run, "--resume", "auto"}).code == 0);
  CHECK(runs.last("run", 16) == runs.last("whole", 16));
}

TEST_CASE("a dry run of a resumed run changes no file") {
  const Runs runs;
  const auto before = state_of(runs.scratch, "half");
  const auto remarks_of = [&](const std::string& epochs) {
    const Told told = told_by({"pretrain", "--run", runs.scratch.path("half"), "--resume", "auto",
                               "--dry-run", "--epochs", epochs});
    CHECK(told.code == 0);
    return std::count_if(told.lines.begin(), told.lines.end(), remarks);
  };
  CHECK(remarks_of("1") == 1);  // nothing is left to do
  CHECK(remarks_of("3") == 2);  // other options, and the schedule
  CHECK(state_of(runs.scratch, "half") == before);
}

TEST_CASE("a run that was killed between its last checkpoint and its end gets its report and its result") {
  const Runs runs;
  runs.copy("whole", "run");
  const std::string run = runs.scratch.path("run");
  auto expected = nlohmann::json::parse(runs.scratch.read("run/training.json"));
  fs::remove(run + "/training.json");
  fs::remove(run + "/report.html");
  runs.scratch.write("run/report.html.tmp-1-1", "half of a report");
  const auto before = state_of(runs.scratch, "run");
  const Told told = told_by({"pretrain", "--run", run, "--resume", "auto", "--lr", "9"});
  CHECK(told.code == 0);
  CHECK(told.lines == Words{"already at step 16 of 16; --epochs N trains further"});
  CHECK(fs::exists(run + "/report.html"));
  CHECK_FALSE(fs::exists(run + "/report.html.tmp-1-1"));
  const auto result = nlohmann::json::parse(runs.scratch.read("run/training.json"));
  for (const char* figure : {"steps", "epochs", "loss", "chance_loss"})
    CHECK(result[figure] == expected[figure]);
  CHECK(result["checkpoint"] == run + "/checkpoints/step-00000016.safetensors");
  const auto after = state_of(runs.scratch, "run");
  for (const auto& [name, state] : before)
    if (name.find("tmp") == std::string::npos && name != "run/state.json") CHECK(after.at(name) == state);
}

TEST_CASE("stopped and resumed after a change of the batch: the same bytes") {
  const Runs runs;
  const Words flags = {"pretrain", "--resume", "auto", "--batch", "8", "--epochs", "3", "--save-every", "14"};
  for (const char* run : {"one", "two"}) {
    runs.copy("half", run);
    REQUIRE(told_by(joined_words(flags, {"--run", runs.scratch.path(run)})).code == 0);
  }
  REQUIRE(newest_step(runs.scratch.path("one")) == 17);
  REQUIRE(fs::remove(apps::checkpoint_path(runs.scratch.path("two"), 17)));
  const Told told = told_by({"pretrain", "--resume", "auto", "--run", runs.scratch.path("two")});
  CHECK(told.code == 0);
  CHECK(std::none_of(told.lines.begin(), told.lines.end(), remarks));
  CHECK(runs.last("two", 17) == runs.last("one", 17));
}

TEST_CASE("a checkpoint of another run is continued in a new folder, with that run's options") {
  const Runs runs;
  const std::string from = apps::checkpoint_path(runs.scratch.path("half"), 11),
                    run = runs.scratch.path("run");
  const auto before = state_of(runs.scratch, "half");
  const Told told = told_by({"pretrain", "--run", run, "--resume", from});
  CHECK(told.code == 0);
  CHECK(std::none_of(told.lines.begin(), told.lines.end(), remarks));
  CHECK(runs.last("run", 16) == runs.last("whole", 16));
  CHECK(state_of(runs.scratch, "half") == before);
}
