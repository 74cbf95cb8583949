// The command line: parsing, error messages and exit codes.
#include "apps/cli/cli.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

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
  check_usage({"datacheck"}, "dyad: unknown command \"datacheck\"; did you mean dyad data check?");
  check_usage({"bench-ops"}, "dyad: unknown command \"bench-ops\"; did you mean dyad bench ops?");
  check_usage({"pretrain", "--btach", "8"}, "dyad pretrain: unknown flag --btach; did you mean --batch?");
  check_usage({"pretrain", "--weigth-decay=1"},
              "dyad pretrain: unknown flag --weigth-decay; did you mean --weight-decay?");
  check_usage({"-v"}, "dyad: unknown flag -v; did you mean --version?");
  check_usage({"pretrain", "-b", "8"}, "dyad pretrain: unknown flag -b");  // of several
  check_usage({"--verson"}, "dyad: unknown flag --verson; did you mean --version?");
  check_usage({"pretrain", "--arch", "resnt18"},
              "dyad pretrain: --arch is \"resnt18\", expected "
              "resnet10|resnet18|resnet34|resnet50|resnet101|resnet152; "
              "did you mean resnet18?");
}

TEST_CASE("cli: values out of range, missing and superfluous") {
  check_usage({"pretrain", "--batch", "1"}, "dyad pretrain: --batch is 1, expected 2 to 65536");
  check_usage({"pretrain", "--batch=3x"}, "dyad pretrain: --batch is \"3x\", expected 2 to 65536");
  check_usage({"pretrain", "--batch", "4.5"}, "dyad pretrain: --batch is \"4.5\", expected 2 to 65536");
  check_usage({"pretrain", "--tau", "nan"},
              "dyad pretrain: --tau is \"nan\", expected 0.001 to 100, or learn:0.01 to learn:1");
  check_usage({"pretrain", "--seed", "-1"}, "dyad pretrain: --seed is \"-1\", expected a whole number");
  check_usage({"pretrain", "--steps", "99999999999999999999"},
              "dyad pretrain: --steps is \"99999999999999999999\", expected at least 1, or auto");
  check_usage({"pretrain", "--batch"}, "dyad pretrain: --batch is given no value");
  check_usage({"pretrain", "extra"}, "dyad pretrain: unexpected argument \"extra\"");
  check_usage({"pretrain", "data/samples"},
              "dyad pretrain: unexpected argument \"data/samples\"; did you mean --data data/samples?");
  check_usage({"pretrain", "--steps", "4611686018427387904"},
              "dyad pretrain: --steps is 4611686018427387904, expected at most 1000000000000000");
  check_usage({"pretrain", "--data", "data/samples", "--run", "r", "--json", "same", "--trace", "same"},
              "dyad pretrain: --trace and --json name the same file, same");
  check_usage(
      {"pretrain", "--run", "/no/such/run", "--resume", "auto"},
      "dyad pretrain: --resume auto: /no/such/run holds no run, expected its folder, or --data to begin one");
  check_usage({"linear", "--run", "r", "--epochs", "3"},
              "dyad linear: --epochs is an option of --solver sgd, and the solver is lbfgs");
  check_usage({"pretrain", "--dry-run=maybe"},
              "dyad pretrain: --dry-run is \"maybe\", expected true or false");
  check_usage({}, "dyad: no command is given; --help lists them");
  CHECK(ask({"pretrain", "--run", "x"}).err.rfind("dyad pretrain: --data is missing: ", 0) == 0);
  check_usage({"racecheck", "--detectors", "tsan,valgrind"},
              "dyad racecheck: --detectors has \"valgrind\", expected some of orders, asan, tsan, msan");
  check_usage({"racecheck", "--source", "/nowhere"},
              "dyad racecheck: --source /nowhere has no CMakePresets.json, expected dyad's folder; "
              "--detectors orders "
              "needs none");
  CHECK(ask({"gradcheck", "--op", "("}).err ==
        "dyad gradcheck: --op is \"(\", expected a regular expression\n");
  check_usage({"gradcheck", "--op", std::string(60000, '(')},
              "dyad gradcheck: --op has 60000 characters, expected at most 1000");
  check_usage({"gradcheck", "--op", "(((((.*)*)*)*)*)*~$"},  // exponential time, with most matchers
              "dyad gradcheck: --op (((((.*)*)*)*)*)*~$ matches no op; dyad gradcheck --list shows them");
}

TEST_CASE("cli: help as a word, and a group alone") {
  CHECK(ask({"help"}).out == ask({"--help"}).out);
  CHECK(ask({"help", "pretrain"}).out == ask({"pretrain", "--help"}).out);
  CHECK(ask({"help", "data", "check"}).out == ask({"data", "check", "--help"}).out);
  CHECK(ask({"help", "data"}).out == ask({"data", "--help"}).out);
  const Answer data = ask({"data"});
  CHECK(data.code == 0);
  CHECK(data.out == ask({"data", "--help"}).out);
  CHECK(data.err.empty());
  check_usage({"help", "pretain"}, "dyad: unknown command \"pretain\"; did you mean pretrain?");
  CHECK(
      ask({"--help"}).out.find("\n  data               Look at data sets, and pack them:\n  data preview ") !=
      std::string::npos);
}

TEST_CASE("cli: a word for what dyad does under another name is answered with that name") {
  const auto points = [](const std::string& word, const std::string& to) {
    check_usage({word}, "dyad: unknown command \"" + word + "\"; " + to);
  };
  points("report", "the report is written by pretrain and eval: RUN/report.html");
  points("extract", "dyad embed --data DIR writes the features of images");
  for (const char* word : {"train", "fit"})
    points(word, "dyad pretrain learns an encoder, dyad linear and dyad finetune a classifier");
  for (const char* word : {"test", "predict", "evaluate"}) points(word, "dyad eval evaluates a run");
  points("resume", "dyad pretrain --run RUN --resume auto continues a run");
  points("version", "dyad --version prints the version");
  points("check", "did you mean dyad data check?");
  points("ops", "did you mean dyad bench ops?");
}

TEST_CASE("cli: the version") {
  const Answer version = ask({"--version"});
  CHECK(version.code == 0);
  CHECK(version.out.rfind("dyad ", 0) == 0);
}

TEST_CASE("cli: what a flag takes for its value") {
  check_usage({"pretrain", "--batch", "--epochs", "3"},
              "dyad pretrain: --batch is \"--epochs\", expected 2 to 65536");
  check_usage({"pretrain", "--batch="}, "dyad pretrain: --batch= is given no value");
  check_usage({"pretrain", "--graph", "--run", "-x"},
              "dyad pretrain: --data is missing: folder of the images: CIFAR or STL-10 binary files, or "
              "train/CLASS/*.jpg and test/CLASS/*.jpg, or a packed data set; for pretraining also any folder "
              "of images, or a text "
              "file that lists them");
  check_usage({"pretrain", "--graph", "no"}, "dyad pretrain: --graph is \"no\", expected true or false");
  CHECK(ask({"pretrain", "--graph", "--graph", "--help"}).code == 0);
  CHECK(ask({"pretrain", "-h"}).out == ask({"pretrain", "--help"}).out);
}

TEST_CASE("cli: an option given twice is refused, with both values") {
  check_usage({"pretrain", "--batch", "4", "--batch=8"}, "dyad pretrain: --batch is given twice: 4 and 8");
  check_usage({"pretrain", "--data=a b", "--run", "r", "--data", "c"},
              "dyad pretrain: --data is given twice: a b and c");
  check_usage({"knn", "--k", "4", "--k", "4"}, "dyad knn: --k is given twice: 4 and 4");
}

TEST_CASE("cli: words that belong to no option, and an option that may be given several times") {
  check_usage({"compare"}, "dyad compare: no run is given, expected folders: dyad compare RUN|SWEEP...");
  check_usage({"pretrain", "--", "--batch", "8"}, "dyad pretrain: unknown flag --");
  const std::vector<std::string> sweep = {"sweep", "--data", "d", "--out", "o", "--vary", "tau=1", "--vary"};
  const auto with = [&](const std::vector<std::string>& more) {
    auto words = sweep;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  check_usage(with({"batch=1"}), "dyad sweep: --vary batch=1: batch is 1, expected 2 to 65536");
  check_usage(with({"batch=8", "--", "--btach", "8"}),
              "dyad sweep: unknown flag --btach; did you mean --batch?");
  check_usage(with({"batch=8", "--", "--lr", "0.1", "--lr", "0.2"}),
              "dyad sweep: --lr is given twice: 0.1 and 0.2");
  check_usage(with({"batch=8", "--lr", "0.1", "--lr", "0.2"}),
              "dyad sweep: --lr is given twice: 0.1 and 0.2");
  check_usage(with({"batch=8", "--batch=4"}), "dyad sweep: --batch is given, but --vary varies it");
  check_usage({"sweep", "--out", "o", "--btach", "8"},
              "dyad sweep: unknown flag --btach; did you mean --batch?");
  CHECK(ask({"sweep", "--help"}).out.find("\nUsage: dyad sweep [options] [options of pretrain]\n") !=
        std::string::npos);
}

TEST_CASE("cli: a percentage where a share is expected") {
  const std::string expected = ", expected 1e-06 to 1; it is a share, not a percentage: did you mean ";
  check_usage({"finetune", "--labels", "10"}, "dyad finetune: --labels is 10" + expected + "0.1?");
  check_usage({"finetune", "--labels", "1.5"}, "dyad finetune: --labels is 1.5" + expected + "0.015?");
  check_usage({"finetune", "--labels", "1%"}, "dyad finetune: --labels is 1%" + expected + "0.01?");
  check_usage({"finetune", "--labels", "0"}, "dyad finetune: --labels is 0, expected 1e-06 to 1");
  check_usage({"finetune", "--labels", "400"}, "dyad finetune: --labels is 400, expected 1e-06 to 1");
  check_usage({"pretrain", "--momentum", "2"}, "dyad pretrain: --momentum is 2, expected 0 to 0.9999");
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
  for (const char* command : {"pretrain",
                              "eval",
                              "knn",
                              "linear",
                              "finetune",
                              "export",
                              "embed",
                              "index",
                              "search",
                              "steps",
                              "gradcheck",
                              "racecheck",
                              "bench collectives",
                              "bench step",
                              "bench busy",
                              "bench loader",
                              "bench ops",
                              "bench compare",
                              "bench turns",
                              "data preview",
                              "data check",
                              "data pack",
                              "data unpack",
                              "data views",
                              "info"}) {
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
  const std::string weights = folder.write("e.safetensors", std::string("\2\0\0\0\0\0\0\0{}", 10));
  check_usage(
      {"knn", "--config", weights},
      "dyad knn: config file " + weights + ": is a safetensors file, expected a text of key = value lines");
  check_usage(
      {"knn", "--config", folder.path + "/none.toml"},
      "dyad knn: config file " + folder.path + "/none.toml: can't be read: No such file or directory");
}

}  // namespace

TEST_CASE("cli: a name that no file can have is said in one line, and is bad data") {
  const std::string name(300, 'x'), told = name + ": File name too long\n";
  const auto answer = [](const std::vector<std::string>& words) {
    std::ostringstream out, err;
    const int code = apps::run_command_line(words, out, err);
    return std::pair(code, err.str());
  };
  CHECK(answer({"knn", "--run", name}) ==
        std::pair(65, "dyad knn: " + name + "/config.toml: File name too long\n"));
  CHECK(answer({"compare", name}) == std::pair(65, "dyad compare: " + told));
  CHECK(answer({"recipes", "--folder", name}) == std::pair(65, "dyad recipes: " + told));
}
