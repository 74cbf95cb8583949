#ifdef DYAD_CUDNN
#include "kernels/cudnn_plan_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace kernels::cudnn {
namespace {

using nlohmann::ordered_json;

void say(const std::string& path, const std::string& what) {
  std::fprintf(stderr, "cudnn: %s: %s\n", path.c_str(), what.c_str());
}

// To a name of its own, then renamed: whoever reads sees the old file or the new one.
void write_whole(const std::string& path, const std::string& content) {
  const std::string temporary = path + ".tmp-" + std::to_string(getpid());
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) throw std::runtime_error(std::strerror(errno));
  const bool written = write(file, content.data(), content.size()) == ssize_t(content.size());
  const int reason = written ? 0 : errno;
  const bool closed = close(file) == 0;
  if (written && closed && std::rename(temporary.c_str(), path.c_str()) == 0) return;
  const std::string what = std::strerror(reason != 0 ? reason : errno);
  unlink(temporary.c_str());
  throw std::runtime_error(what);
}

}  // namespace

std::string plan_cache_path(const std::string& version, const std::string& gpu) {
  std::string folder;
  const char* own = std::getenv("DYAD_CUDNN_CACHE");
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (own != nullptr && *own != '\0') {
    if (std::string(own) == "off") return "";
    folder = own;
  } else if (cache != nullptr && *cache == '/') {  // the convention ignores a relative one
    folder = std::string(cache) + "/dyad";
  } else if (home != nullptr && *home != '\0') {
    folder = std::string(home) + "/.cache/dyad";
  } else {
    return "";
  }
  std::string name = gpu;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '-');
  return folder + "/cudnn-" + version + "-" + name + ".json";
}

PlanCache::PlanCache(std::string path) : path_(std::move(path)), plans_(read(true)) {}

std::map<std::string, std::string> PlanCache::read(bool report) const {
  if (path_.empty()) return {};
  try {
    if (!std::filesystem::exists(path_)) return {};
    std::ifstream file(path_);
    if (!file) throw std::runtime_error(std::strerror(errno));
    return ordered_json::parse(file).at("plans").get<std::map<std::string, std::string>>();
  } catch (const std::exception& error) {
    if (report) say(path_, std::string("no list of plans, so shapes are timed again: ") + error.what());
    return {};
  }
}

std::optional<std::string> PlanCache::find(const std::string& key) const {
  const auto found = plans_.find(key);
  if (found == plans_.end()) return std::nullopt;
  return found->second;
}

void PlanCache::remember(const std::string& key, const std::string& plan) {
  plans_[key] = plan;
  if (path_.empty()) return;
  try {
    // What other processes have written since stays. Two that write at once may lose a plan, which is then
    // timed again.
    std::map<std::string, std::string> all = plans_;
    all.merge(read(false));
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
    write_whole(path_, ordered_json{{"plans", all}}.dump(1) + "\n");
  } catch (const std::exception& error) {
    say(path_, std::string("plans are not kept: ") + error.what());
    path_.clear();  // said once
  }
}

}  // namespace kernels::cudnn
#endif
