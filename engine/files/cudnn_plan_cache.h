// The cuDNN plans that were the fastest, on disk as cuDNN writes them down: a shape is timed once a machine,
// and a second run computes what the first one did. Only in builds with DYAD_CUDNN.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "kernels/vendor/cudnn.h"

namespace engine {

// $XDG_CACHE_HOME/dyad/cudnn-VERSION-GPU.json, or of ~/.cache, or of the folder DYAD_CUDNN_CACHE. Empty where
// DYAD_CUDNN_CACHE=off or where there is no home.
std::string cudnn_plan_cache_path(const std::string& version, const std::string& gpu);

// A file that is damaged, or can't be read or written, is one line on stderr; work goes on without it.
class CudnnPlanCache final : public kernels::cudnn::PlanStore {
 public:
  explicit CudnnPlanCache(std::string path);  // empty: nothing is kept

  std::optional<std::string> find(const std::string& key) const override;
  void remember(const std::string& key, const std::string& plan) override;  // also writes the file

 private:
  std::map<std::string, std::string> read(bool report) const;
  std::string path_;
  std::map<std::string, std::string> plans_;
};

// For kernels::cudnn::set_plan_store().
std::unique_ptr<kernels::cudnn::PlanStore> open_cudnn_plan_cache(const std::string& version,
                                                                 const std::string& gpu);

}  // namespace engine
