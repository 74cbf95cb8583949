// dyad racecheck: runs every card under the detectors of races and of wrong memory accesses. Random orders,
// poisoned memory and divergence are checked in this program; the sanitizers need builds of their own, which
// this command makes.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "apps/check/check_cards.h"
#include "apps/cli/commands.h"
#include "apps/system/shell.h"
#include "engine/error.h"

namespace apps {
namespace {

using engine::UsageError;

std::vector<std::string> detectors_of(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');) {
    if (word != "orders" && word != "asan" && word != "tsan" && word != "msan")
      throw UsageError("--detectors has \"" + word + "\", expected some of orders, asan, tsan, msan");
    words.push_back(word);
  }
  if (words.empty()) throw UsageError("--detectors is empty, expected some of orders, asan, tsan, msan");
  return words;
}

// Makes a sanitizer's build and runs the checks in it. The build's output goes to a file; only the output of
// the checks is shown.
bool in_build(const std::string& preset, const RacecheckOptions& o) {
  const std::string log = "build/" + preset + "-racecheck.log";
  const std::string jobs =
      std::to_string(o.jobs > 0 ? o.jobs : int(std::max(1u, std::thread::hardware_concurrency())));
  std::printf("building %s\n", preset.c_str());
  const std::string in_source = "cd " + quoted(o.source) + " && ";
  if (!shell(in_source + "mkdir -p build && { cmake --preset " + preset + " && cmake --build --preset " +
             preset + " --target racecheck_cards -j " + jobs + "; } >" + log + " 2>&1"))
    throw std::runtime_error("the " + preset +
                             " build failed: " + (std::filesystem::path(o.source) / log).string());
  return shell(in_source + "build/" + preset + "/apps/racecheck_cards --op " + quoted(o.op) + " --seed " +
               std::to_string(o.seed));
}

}  // namespace

int racecheck(const RacecheckOptions& o) {
  const auto detectors = detectors_of(o.detectors);
  for (const std::string& d : detectors)
    if (d != "orders" && !std::filesystem::exists(std::filesystem::path(o.source) / "CMakePresets.json"))
      throw UsageError("--source " + o.source +
                       " has no CMakePresets.json, expected dyad's folder; --detectors orders "
                       "needs none");
  bool clean = true;
  for (const std::string& d : detectors) {
    std::printf("== %s\n", d.c_str());
    if (d == "orders")
      clean &= check_cards({.op = o.op, .check = "repeat|orders|poison", .seed = o.seed}) == 0;
    else
      clean &= in_build(d, o);
  }
  std::printf("== %s\n", clean ? "no race, and no wrong access" : "something was found");
  return clean ? 0 : 1;
}

}  // namespace apps
