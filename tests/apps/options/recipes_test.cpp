// Each file of recipes/ is a whole and consistent configuration, and says where it is from and what to
// expect.
#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include "apps/options/config.h"
#include "apps/options/pretrain.h"
#include "engine/files/text_file.h"
#include "models/methods/methods.h"

namespace {

TEST_CASE("recipes: each names options of pretrain that fit together, its source and its expectation") {
  std::set<std::string> methods;
  for (const auto& entry : std::filesystem::directory_iterator("recipes")) {
    const std::string path = entry.path().string();
    CAPTURE(path);
    REQUIRE(path.ends_with(".toml"));
    const std::string text = engine::read_text(path).bytes;
    for (const char* line : {"\n# Source: ", "\n# Expected: ", "\n[pretrain]\ndata = "}) {
      CAPTURE(line);
      CHECK(text.find(line) != std::string::npos);
    }
    apps::PretrainOptions o;
    const auto given = apps::apply_config(path, "pretrain", apps::fields(o));
    CHECK(given.size() > 5);
    CHECK_NOTHROW(apps::resolve(o, o.data.starts_with("cifar")));
    methods.insert(o.method);
  }
  CHECK(methods == std::set<std::string>{"byol", "moco2", "moco3", "simclr", "supcon"});
}

}  // namespace
