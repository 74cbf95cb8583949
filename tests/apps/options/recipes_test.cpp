// Each file of recipes/ is a whole and consistent configuration, and says where it is from and what to
// expect.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "apps/cli/cli.h"
#include "apps/options/config.h"
#include "apps/options/pretrain.h"
#include "apps/report/expectation.h"
#include "engine/files/text_file.h"
#include "models/methods/methods.h"
#include "tests/support/scratch.h"

namespace {

TEST_CASE("recipes: each names options of pretrain that fit together, its source and its expectation") {
  std::set<std::string> methods;
  for (const auto& entry : std::filesystem::directory_iterator("recipes")) {
    const std::string path = entry.path().string();
    CAPTURE(path);
    if (path.ends_with(".json")) {  // what to expect of the recipe of that name
      CHECK(std::filesystem::exists(path.substr(0, path.find(".expected.json")) + ".toml"));
      continue;
    }
    REQUIRE(path.ends_with(".toml"));
    const std::string text = engine::read_text(path).bytes;
    for (const char* line : {"\n# Source: ", "\n# Expected: ", "\n[pretrain]\ndata = "}) {
      CAPTURE(line);
      CHECK(text.find(line) != std::string::npos);
    }
    apps::PretrainOptions o;
    const auto given = apps::apply_config(path, "pretrain", apps::fields(o));
    CHECK(given.size() > 5);
    CHECK(o.expected == path.substr(0, path.size() - 5) + ".expected.json");
    CHECK(std::filesystem::exists(o.expected));
    CHECK_NOTHROW(apps::resolve(o, o.data.starts_with("cifar")));
    methods.insert(o.method);
    // The expectation is of this file's options, and of no others.
    CHECK(apps::read_expectation(o).unlike == "");
    const auto expected = nlohmann::json::parse(engine::read_text(o.expected).bytes).at("options");
    for (const std::string& name : given)
      CHECK((name == "data" || name == "expected" || name == "dtype" || name == "steps" ||
             expected.contains(name)));
    o.epochs = 3;
    CHECK(apps::read_expectation(o).unlike == o.expected + " is of a training with --epochs " +
                                                  std::to_string(expected.at("epochs").get<int>()) +
                                                  ", not 3: its results are not drawn");
  }
  CHECK(methods == std::set<std::string>{"byol", "moco2", "moco3", "simclr", "simsiam", "supcon"});
}

TEST_CASE("dyad recipes: lists each with its title and its expectation; other folders too") {
  const auto list = [](const std::vector<std::string>& more, int code) {
    std::ostringstream out, err;
    std::vector<std::string> words = {"recipes"};
    words.insert(words.end(), more.begin(), more.end());
    CHECK(apps::run_command_line(words, out, err) == code);
    return err.str();
  };
  const Scratch scratch;
  CHECK(list({"--folder", "recipes", "--json", scratch.path("r.json")}, 0).empty());
  const auto all = nlohmann::json::parse(scratch.read("r.json")).at("recipes");
  CHECK(all.size() >= 12);
  for (const auto& recipe : all) {
    CAPTURE(recipe.dump());
    CHECK(recipe.at("title").get<std::string>().size() > 10);
    CHECK(recipe.at("expected").get<std::string>().find('%') != std::string::npos);
  }
  CHECK(list({"--folder", scratch.path("none")}, 65) ==
        "dyad recipes: " + scratch.path("none") + ": is not a folder, expected one of config files\n");
  std::filesystem::create_directories(scratch.path("empty"));
  CHECK(list({"--folder", scratch.path("empty")}, 65) ==
        "dyad recipes: " + scratch.path("empty") + ": has no config file, expected some NAME.toml\n");
}

}  // namespace
