// Fine-tuning from a middle layer of the projection head.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "apps/cli/cli.h"
#include "tests/support/small_cifar.h"

namespace {

struct HeadLayerAnswer {
  int code;
  std::string text;
};

HeadLayerAnswer fine_tuned(const std::vector<std::string>& words) {
  std::ostringstream out, err;
  const int code = apps::run_command_line(words, out, err);
  return {code, err.str()};
}

}  // namespace

TEST_CASE("dyad finetune --from-head-layer keeps first layers of the head, and has fewer than all") {
  const Scratch scratch;
  const std::string data = small_cifar(scratch, "data", 64, 20), run = scratch.path("run");
  HeadLayerAnswer a =
      fine_tuned({"pretrain", "--data=" + data, "--run=" + run, "--arch=resnet10", "--width=0.125",
                  "--head-layers=3", "--hidden=24", "--out-dim=8", "--batch=16", "--steps=3", "--threads=0"});
  REQUIRE_MESSAGE(a.code == 0, a.text);
  std::set<double> losses;
  for (const std::string layer : {"0", "1", "2"}) {
    a = fine_tuned({"finetune", "--run=" + run, "--epochs=2", "--no-floors", "--from-head-layer=" + layer});
    REQUIRE_MESSAGE(a.code == 0, a.text);
    const auto result = nlohmann::json::parse(
        scratch.read("run/finetune100" + (layer == "0" ? "" : "-head" + layer) + ".json"));
    const std::string text = result.dump(), key = "\"last_loss\":";
    CHECK(text.find("\"head_layers\":" + layer) != std::string::npos);
    REQUIRE(text.find(key) != std::string::npos);
    losses.insert(std::stod(text.substr(text.find(key) + key.size())));
  }
  CHECK(losses.size() == 3);
  a = fine_tuned({"finetune", "--run=" + run, "--epochs=1", "--no-floors", "--from-head-layer=3"});
  CHECK(a.code == 2);
  CHECK(a.text ==
        "dyad finetune: --from-head-layer is 3, but the head of " + run + " has 3 layers: expected 0 to 2\n");
}
