// The disk cache of cuDNN plans: its path, persistence, and files that are damaged or can't be written.
#ifdef DYAD_CUDNN
#include "engine/files/cudnn_plan_cache.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/scratch.h"

namespace {

// Sets an environment variable during its lifetime.
struct Variable {
  Variable(const char* variable, const std::optional<std::string>& value) : name(variable) {
    if (const char* text = std::getenv(name)) before = text;
    put(value);
  }
  ~Variable() { put(before); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  void put(const std::optional<std::string>& value) const {
    if (value)
      setenv(name, value->c_str(), 1);
    else
      unsetenv(name);
  }
  const char* name;
  std::optional<std::string> before;
};

// Returns what f writes to stderr.
template <class F>
std::string stderr_of(F f) {
  const Scratch scratch;
  const int kept = dup(STDERR_FILENO);
  const int file = open(scratch.path("stderr").c_str(), O_WRONLY | O_CREAT, 0600);
  REQUIRE(kept >= 0);
  REQUIRE(file >= 0);
  dup2(file, STDERR_FILENO);
  f();
  dup2(kept, STDERR_FILENO);
  close(file);
  close(kept);
  return scratch.read("stderr");
}

std::int64_t lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

}  // namespace

TEST_CASE("cudnn plan cache: its path") {
  const auto path = [] { return engine::cudnn_plan_cache_path("9.19.0", "NVIDIA H100 80GB HBM3"); };
  const std::string name = "/cudnn-9.19.0-NVIDIA-H100-80GB-HBM3.json";
  const Variable home("HOME", "/home/somebody"), xdg("XDG_CACHE_HOME", {}), own("DYAD_CUDNN_CACHE", {});
  CHECK(path() == "/home/somebody/.cache/dyad" + name);
  xdg.put("/cache");
  CHECK(path() == "/cache/dyad" + name);
  own.put("/own");
  CHECK(path() == "/own" + name);
  own.put("off");
  CHECK(path().empty());
  own.put({});
  xdg.put({});
  home.put({});
  CHECK(path().empty());
}

TEST_CASE("cudnn plan cache: choices persist, and those of another process are kept") {
  const Scratch scratch;
  const std::string path = scratch.path("folder/cudnn.json");
  const std::string a = "{\"engine\": 47}", b = "\n\"";
  const std::string said = stderr_of([&] {
    engine::CudnnPlanCache one(path), two(path);
    CHECK_FALSE(one.find("a"));
    one.remember("a", a);
    two.remember("b", b);
    CHECK(one.find("a") == a);
    const engine::CudnnPlanCache later(path);
    CHECK(later.find("a") == a);
    CHECK(later.find("b") == b);
    CHECK_FALSE(later.find("c"));
  });
  CHECK(said.empty());
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(scratch.folder / "folder"))
    files += entry.is_regular_file();
  CHECK(files == 1);  // no temporary file is left
}

TEST_CASE("cudnn plan cache: a damaged file is reported in one line and rewritten") {
  for (const char* damaged :
       {"", "{\"plans\": {\"a\": \"x", "[]", "{\"plans\": {\"a\": 3}}", "{\"plan\": {}}"}) {
    CAPTURE(damaged);
    const Scratch scratch;
    const std::string path = scratch.write("cudnn.json", damaged);
    const std::string said = stderr_of([&] {
      engine::CudnnPlanCache cache(path);
      CHECK_FALSE(cache.find("a"));
      cache.remember("b", "3");
      CHECK(engine::CudnnPlanCache(path).find("b"));
    });
    CHECK(lines(said) == 1);
    CHECK(said.find("cudnn: " + path + ": no list of plans") == 0);
  }
}

TEST_CASE("cudnn plan cache: an unwritable folder is reported in one line, and plans stay in memory") {
  const Scratch scratch;
  scratch.write("file", "");
  const std::string said = stderr_of([&] {
    engine::CudnnPlanCache cache(scratch.path("file/cudnn.json"));
    cache.remember("a", "3");
    cache.remember("b", "4");
    CHECK(cache.find("a"));
    CHECK(cache.find("b"));
  });
  CHECK(lines(said) == 1);
  CHECK(said.find("plans are not kept") != std::string::npos);
}
#endif
