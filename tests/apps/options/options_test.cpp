// Options: each is written once; config files; auto values.
#include "apps/options/options.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "apps/cli/arguments.h"
#include "apps/cli/command_table.h"
#include "apps/options/config.h"
#include "engine/escape.h"
#include "tests/support/scratch.h"

namespace {

namespace fs = std::filesystem;

std::string text_of_file(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// All sources of a folder, one after the other; run at the top of the tree.
std::string sources_in(const std::string& folder) {
  std::string all;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".cpp" || entry.path().extension() == ".h")
      all += text_of_file(entry.path());
  REQUIRE_FALSE(all.empty());
  return all;
}

int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

// A list of names beside the entries would be a second place to keep up to date.
TEST_CASE("options: each name stands once in the sources") {
  const apps::CommandTable table = apps::command_table();
  std::set<std::string> names, choices, words;  // words: of the commands
  for (const apps::Command& c : table.commands) {
    words.insert({c.name.substr(0, c.name.find(' ')), apps::section_of(c)});
    for (const apps::Field& f : c.fields) {
      names.insert(f.name);
      choices.insert(f.choices.begin(), f.choices.end());
      choices.insert(f.offered.begin(), f.offered.end());
    }
  }
  CHECK(names.size() > 70);
  const std::string all = sources_in("apps"), entries = sources_in("apps/options"),
                    cli = sources_in("apps/cli"), ranks = sources_in("apps/ranks"),
                    checkpoint = text_of_file("apps/run/checkpoint.cpp");
  for (const std::string& name : names) {
    CAPTURE(name);
    const std::string literal = '"' + name + '"';
    CHECK(count(all, ".name = " + literal) == 1);
    if (choices.count(name) == 0) CHECK(count(entries, literal) == 1);
    if (words.count(name) == 0) CHECK(count(cli, literal) == 0);
  }
  apps::PretrainOptions o;
  for (const apps::Field& f : apps::fields(o)) {
    CAPTURE(f.name);
    CHECK(count(ranks, '"' + f.name + '"') == 0);
    CHECK(count(checkpoint, '"' + f.name + '"') == 0);
  }
}

// The keys of checkpoints' metadata: a change of them makes old checkpoints unreadable.
TEST_CASE("options: what a resume does when they differ") {
  apps::PretrainOptions o;
  const auto with = [&](apps::Resume rule) {
    std::set<std::string> names;
    for (const apps::Field& f : apps::fields(o))
      if (f.resume == rule) names.insert(f.name);
    return names;
  };
  using Names = std::set<std::string>;
  CHECK(with(apps::Resume::model) == Names{"arch", "stem", "width", "head-layers", "head-norm", "hidden",
                                           "out-dim", "method", "predictor-hidden", "queue", "symmetric"});
  CHECK(with(apps::Resume::state) == Names{"optimizer"});
  Names reported{
      "as-many",  "batch",         "debias",      "decode",     "dtype",      "epochs",    "exif",
      "hardness", "init-weights",  "lars",        "lr",         "momentum",   "negatives", "seed",
      "shrink",   "sigma",         "sixteen-bit", "split-from", "split-norm", "steps",     "target-momentum",
      "tau",      "warmup-epochs", "weight-decay"};
  apps::ViewOptions views;
  for (const apps::Field& f : apps::view_fields(views)) reported.insert(f.name);
  CHECK(with(apps::Resume::reported) == reported);
}

TEST_CASE("options: what belongs to one start or one machine") {
  apps::PretrainOptions o;
  std::set<std::string> unsaved, per_machine;
  for (const apps::Field& f : apps::fields(o)) {
    if (!f.saved) unsaved.insert(f.name);
    if (f.per_machine) per_machine.insert(f.name);
  }
  CHECK(unsaved == std::set<std::string>{"bucket", "collectives", "discard-newer", "dry-run", "expected",
                                         "force", "json", "ranks", "recompute", "resume", "sync", "timeout",
                                         "trace", "verbose", "verify-images"});
  CHECK(per_machine == std::set<std::string>{"data", "labels", "run", "threads"});
}

TEST_CASE("config: values and sections; flags override them") {
  const Scratch scratch;
  const std::string path =
      scratch.write("run.toml",
                    "batch = 8  # before a section: for any command\n"
                    "[pretrain]\n"
                    "lr = 0.25\narch = \"resnet34\"\nsave_every = 1_000\ndata = 'a # b'\n"
                    "\n[knn]\nk = 20\n");
  apps::PretrainOptions o;
  apps::apply_config(path, "pretrain", apps::fields(o), {"arch"});
  CHECK(o.batch == 8);
  CHECK(o.lr == 0.25);
  CHECK(o.arch == "resnet18");
  CHECK(o.save_every == "1000");
  CHECK(o.data == "a # b");
  apps::KnnOptions k;
  apps::apply_config(path, "knn", apps::fields(k));
  CHECK(k.k == 20);
  CHECK(k.batch == 8);
}

TEST_CASE("options: of --epochs and --steps the one that is given last counts") {
  const auto given = [](const std::vector<std::string>& words) {
    apps::PretrainOptions o;
    const auto decided = apps::assign_arguments(words, 0, apps::fields(o));
    CHECK(std::count(decided.begin(), decided.end(), "epochs") > 0);
    CHECK(std::count(decided.begin(), decided.end(), "steps") > 0);
    return std::pair(long(o.epochs), o.steps);
  };
  CHECK(given({"--epochs", "3"}) == std::pair(3L, -1L));
  CHECK(given({"--steps", "9"}).second == 9);
  CHECK(given({"--epochs", "3", "--steps", "9"}).second == 9);
  CHECK(given({"--steps", "9", "--epochs", "3"}) == std::pair(3L, -1L));
}

TEST_CASE("config: a file decides --epochs and --steps together") {
  const Scratch scratch;
  const std::string stored = scratch.write("stored.toml", "[pretrain]\nepochs = 1\nsteps = 40\nlr = 0.5\n"),
                    nearer = scratch.write("nearer.toml", "epochs = 3\n");
  apps::PretrainOptions o;
  const auto decided = apps::apply_config(nearer, "pretrain", apps::fields(o));
  apps::apply_config(stored, "pretrain", apps::fields(o), decided);
  CHECK(o.epochs == 3);
  CHECK(o.steps == -1);
  CHECK(o.lr == 0.5);
}

TEST_CASE("config: written and read back, it is the same") {
  const Scratch scratch;
  apps::PretrainOptions o;
  o.data = "a \"quoted\" \\ folder";
  o.run = "r";
  o.lr = 0.1 + 0.2;  // needs 17 digits
  o.weight_decay = 1e-6;
  o.seed = 18446744073709551615u;
  apps::resolve(o, true);
  const std::string text = apps::config_text("pretrain", apps::fields(o));
  apps::PretrainOptions back;
  apps::apply_config(scratch.write("run.toml", text), "pretrain", apps::fields(back));
  CHECK(apps::config_text("pretrain", apps::fields(back)) == text);
  CHECK(back.lr == o.lr);
  CHECK(back.seed == o.seed);
  CHECK(back.data == o.data);
}

TEST_CASE("config: values of any bytes are written as text, and read back") {
  const Scratch scratch;
  for (const char* value :
       {"caf\xe9 \x1b[31m", "\\xff", "\xff\\\"x41", "tab\tend", "\xe2\x80\xae", "\xc3\xa9"}) {
    apps::PretrainOptions o, back;
    o.data = value;
    const std::string text = apps::config_text("pretrain", apps::fields(o));
    CHECK(engine::as_utf8(text) == text);
    apps::apply_config(scratch.write("run.toml", text), "pretrain", apps::fields(back));
    CHECK(back.data == value);
  }
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
