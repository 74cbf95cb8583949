// The command line: parsing, error messages and exit codes.
#include "apps/cli/cli.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/options/fields.h"
#include "engine/error.h"

namespace {

struct Answer {
  int code;
  std::string out, err;
};

Answer ask(const std::vector<std::string>& arguments) {
  std::ostringstream out, err;
  const int code = apps::run_command_line(arguments, out, err);
  return {code, out.str(), err.str()};
}

// Expects exit code 2 and one line on stderr.
void check_usage(const std::vector<std::string>& arguments, const std::string& line) {
  const Answer a = ask(arguments);
  CAPTURE(line);
  CHECK(a.code == 2);
  CHECK(a.err == line + "\n");
  CHECK(a.out.empty());
}

struct Folder {
  std::string path = std::filesystem::temp_directory_path() / "dyad_cli_test";
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name) << text;
    return path + "/" + name;
  }
};

TEST_CASE("cli: the error for a mistyped word suggests the nearest one") {
  check_usage({"pretain"}, "dyad: unknown command \"pretain\"; did you mean pretrain?");
  check_usage({"data", "previw"}, "dyad: unknown command \"previw\"; did you mean preview?");
  check_usage({"xyzzy"}, "dyad: unknown command \"xyzzy\"");
  check_usage({"pretrain", "--btach", "8"}, "dyad pretrain: unknown flag --btach; did you mean --batch?");
  check_usage({"pretrain", "--weigth-decay=1"},
              "dyad pretrain: unknown flag --weigth-decay; did you mean --weight-decay?");
  check_usage({"--verson"}, "dyad: unknown flag --verson; did you mean --version?");
  check_usage(
      {"pretrain", "--arch", "resnt18"},
      "dyad pretrain: --arch is \"resnt18\", expected resnet10|resnet18|resnet34|resnet50; did you mean "
      "resnet18?");
}

TEST_CASE("cli: values out of range, missing and superfluous") {
  check_usage({"pretrain", "--batch", "1"}, "dyad pretrain: --batch is 1, expected 2 to 65536");
  check_usage({"pretrain", "--batch=3x"}, "dyad pretrain: --batch is \"3x\", expected 2 to 65536");
  check_usage({"pretrain", "--batch", "4.5"}, "dyad pretrain: --batch is \"4.5\", expected 2 to 65536");
  check_usage({"pretrain", "--tau", "nan"}, "dyad pretrain: --tau is \"nan\", expected 0.001 to 100");
  check_usage({"pretrain", "--seed", "-1"}, "dyad pretrain: --seed is \"-1\", expected a whole number");
  check_usage({"pretrain", "--steps", "99999999999999999999"},
              "dyad pretrain: --steps is \"99999999999999999999\", expected at least 1, or auto");
  check_usage({"pretrain", "--batch"}, "dyad pretrain: --batch is given no value");
  check_usage({"pretrain", "extra"}, "dyad pretrain: unexpected argument \"extra\"");
  check_usage({"pretrain", "--dry-run=maybe"},
              "dyad pretrain: --dry-run is \"maybe\", expected true or false");
  check_usage({}, "dyad: no command is given; --help lists them");
  check_usage({"data"}, "dyad: no command is given; --help lists them");
  CHECK(ask({"pretrain", "--run", "x"}).err.rfind("dyad pretrain: --data is missing: ", 0) == 0);
  check_usage({"racecheck", "--detectors", "tsan,valgrind"},
              "dyad racecheck: --detectors has \"valgrind\", expected some of orders, asan, tsan, msan");
  check_usage({"racecheck", "--source", "/nowhere"},
              "dyad racecheck: --source /nowhere has no CMakePresets.json, expected dyad's folder; "
              "--detectors orders "
              "needs none");
  CHECK(ask({"gradcheck", "--op", "("}).err ==
        "dyad gradcheck: --op is \"(\", expected a regular expression\n");
}

TEST_CASE("cli: help and version") {
  const Answer version = ask({"--version"});
  CHECK(version.code == 0);
  CHECK(version.out.rfind("dyad ", 0) == 0);
  const Answer top = ask({"--help"});
  CHECK(top.code == 0);
  for (const char* command : {"pretrain", "knn", "linear", "gradcheck", "data", "info"})
    CHECK(top.out.find(command) != std::string::npos);

  // every flag of a command is explained, with its default and its range
  const Answer help = ask({"pretrain", "--help"});
  CHECK(help.code == 0);
  apps::PretrainOptions o;
  for (const auto& f : apps::fields(o)) {
    CAPTURE(f.name);
    CHECK(help.out.find("--" + f.name + " ") != std::string::npos);
    CHECK(help.out.find(f.help) != std::string::npos);
    if (!std::holds_alternative<bool*>(f.value))
      CHECK(help.out.find(apps::range_text(f)) != std::string::npos);
  }
  CHECK(ask({"data", "preview", "--help"}).out.find("--images") != std::string::npos);
}

TEST_CASE("cli: invalid data ends with exit code 65") {
  const Folder folder;
  const Answer a = ask({"pretrain", "--data", folder.path, "--run", folder.path + "/run"});
  CHECK(a.code == 65);
  CHECK(a.err.rfind("dyad pretrain: ", 0) == 0);
  CHECK(std::count(a.err.begin(), a.err.end(), '\n') == 1);
  CHECK_FALSE(std::filesystem::exists(folder.path + "/run"));
}

TEST_CASE("config: every command accepts its own section") {
  const Folder folder;
  for (const char* command : {"pretrain", "eval", "knn", "linear", "finetune", "export", "steps", "gradcheck",
                              "racecheck", "bench collectives", "bench step", "bench ops", "bench compare",
                              "bench turns", "data preview", "data check", "data views", "info"}) {
    const std::string full = command, section = full.substr(full.rfind(' ') + 1);
    std::vector<std::string> words;
    std::istringstream in(full);
    for (std::string word; in >> word;) words.push_back(word);
    words.insert(words.end(), {"--config", folder.write("own.toml", "[" + section + "]\nno_such_key = 1\n")});
    const std::string err = ask(words).err;
    CAPTURE(err);
    CHECK(err.find("own.toml line 2: unknown key") != std::string::npos);
  }
}

TEST_CASE("config: values and sections; flags override them") {
  const Folder folder;
  const std::string path = folder.write("run.toml",
                                        "batch = 8  # before a section: for any command\n"
                                        "[pretrain]\n"
                                        "lr = 0.25\narch = \"resnet34\"\nsave_every = 1_000\ndata = 'a # b'\n"
                                        "\n[knn]\nk = 20\n");
  apps::PretrainOptions o;
  apps::apply_config(path, "pretrain", apps::fields(o), {"arch"});
  CHECK(o.batch == 8);
  CHECK(o.lr == 0.25);
  CHECK(o.arch == "resnet18");
  CHECK(o.save_every == 1000);
  CHECK(o.data == "a # b");
  apps::KnnOptions k;
  apps::apply_config(path, "knn", apps::fields(k));
  CHECK(k.k == 20);
  CHECK(k.batch == 8);
}

TEST_CASE("config: errors name the line") {
  const Folder folder;
  const auto wrong = [&](const std::string& text, const std::string& line) {
    const std::string path = folder.write("run.toml", text);
    check_usage({"pretrain", "--data", "d", "--run", "r", "--config", path}, "dyad pretrain: " + path + line);
  };
  wrong("[pretrain]\n# a comment\n\nlrr = 1\n", " line 4: unknown key lrr; did you mean lr?");
  wrong("[pretrian]\n", " line 1: unknown section [pretrian]; did you mean pretrain?");
  wrong("[pretrain]\nbatch = 1\n", " line 2: batch is 1, expected 2 to 65536");
  wrong("[pretrain]\narch = resnet18\n", " line 2: resnet18: text stands in quotes: \"resnet18\"");
  wrong("[pretrain]\narch = \"resnet18\n", " line 2: \"resnet18: the quoted text does not end with its line");
  wrong("[pretrain]\nbatch 8\n", " line 2: batch 8, expected key = value");
  wrong("[pretrain]\nbatch = 8\nbatch = 9\n", " line 3: batch is set on line 2 already");
  check_usage({"knn", "--config", folder.path + "/none.toml"},
              "dyad knn: config file " + folder.path + "/none.toml: can't be read");
}

TEST_CASE("config: written and read back, it is the same") {
  const Folder folder;
  apps::PretrainOptions o;
  o.data = "a \"quoted\" \\ folder";
  o.run = "r";
  o.lr = 0.1 + 0.2;  // needs 17 digits
  o.weight_decay = 1e-6;
  o.seed = 18446744073709551615u;
  apps::resolve(o, true);
  const std::string text = apps::config_text("pretrain", apps::fields(o));
  apps::PretrainOptions back;
  apps::apply_config(folder.write("run.toml", text), "pretrain", apps::fields(back));
  CHECK(apps::config_text("pretrain", apps::fields(back)) == text);
  CHECK(back.lr == o.lr);
  CHECK(back.seed == o.seed);
  CHECK(back.data == o.data);
}

TEST_CASE("options: auto values follow from the others") {
  apps::PretrainOptions o;
  o.batch = 512;
  apps::resolve(o, true);
  CHECK(o.size == 32);
  CHECK(o.stem == "cifar");
  CHECK(o.recipe == "cifar");
  CHECK(o.lr == doctest::Approx(0.6));
  CHECK(o.warmup_epochs == 10);
  apps::PretrainOptions p;
  p.optimizer = "sgd";
  p.epochs = 20;
  p.lr = 0;  // set explicitly, so not "auto"
  apps::resolve(p, false);
  CHECK(p.size == 224);
  CHECK(p.stem == "imagenet");
  CHECK(p.lr == 0);
  CHECK(p.weight_decay == 5e-4);
  CHECK(p.warmup_epochs == 2);
}

TEST_CASE("nearest word") {
  CHECK(apps::nearest("kitten", {"sitting", "mitten", "x"}) == "mitten");
  CHECK(apps::nearest("lr", {"lr"}) == "lr");
  CHECK(apps::nearest("seed", {"batch", "device"}).empty());
}

}  // namespace
