#ifdef DYAD_CUDNN
#include "engine/files/cudnn_plan_cache.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "engine/escape.h"
#include "engine/files/atomic_file.h"
#include "engine/files/plan_list.h"

namespace engine {

std::string cudnn_plan_cache_path(const std::string& version, const std::string& gpu) {
  std::string folder;
  const char* own = std::getenv("DYAD_CUDNN_CACHE");
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (own != nullptr && *own != '\0') {
    if (std::string(own) == "off") return "";
    folder = own;
  } else if (cache != nullptr && *cache == '/') {  // XDG: a relative path is ignored
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

CudnnPlanCache::CudnnPlanCache(std::string path) : path_(std::move(path)), plans_(read(true)) {}

PlanList CudnnPlanCache::read(bool report) const {
  if (path_.empty()) return {};
  try {
    if (!std::filesystem::exists(path_)) return {};
    return read_plans(path_);
  } catch (const std::exception& error) {
    if (report) std::fprintf(stderr, "cudnn: %s; shapes are timed again\n", shown(error.what()).c_str());
    return {};
  }
}

std::optional<std::string> CudnnPlanCache::find(const std::string& key) const {
  const auto found = plans_.find(key);
  if (found == plans_.end()) return std::nullopt;
  return found->second;
}

void CudnnPlanCache::remember(const std::string& key, const std::string& plan) {
  plans_[key] = plan;
  if (path_.empty()) return;
  try {
    // Keeps what other processes have written since. If two processes write at once, a plan may be lost; it
    // is then timed again.
    PlanList all = plans_;
    all.merge(read(false));
    std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
    write_file_atomically(path_, text_of_plans(all));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cudnn: plans are not kept: %s\n", error.what());
    path_.clear();  // report only once
  }
}

std::unique_ptr<kernels::cudnn::PlanStore> open_cudnn_plan_cache(const std::string& version,
                                                                 const std::string& gpu) {
  return std::make_unique<CudnnPlanCache>(cudnn_plan_cache_path(version, gpu));
}

}  // namespace engine
#endif
