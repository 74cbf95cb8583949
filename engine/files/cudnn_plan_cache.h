// A disk cache of the fastest cuDNN plans, as serialized by cuDNN. A shape is timed once per machine, so a
// second run uses the same engines and is bit-identical. Only in builds with DYAD_CUDNN.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/files/plan_list.h"
#include "kernels/vendor/cudnn.h"

namespace engine {

// cudnn-VERSION-GPU.json in the folder DYAD_CUDNN_CACHE, or else in $XDG_CACHE_HOME/dyad or ~/.cache/dyad.
// Empty if DYAD_CUDNN_CACHE=off or if there is no home directory.
std::string cudnn_plan_cache_path(const std::string& version, const std::string& gpu);

// If the file is damaged, or cannot be read or written, the cache prints one line to stderr and works without
// it.
class CudnnPlanCache final : public kernels::cudnn::PlanStore {
 public:
  explicit CudnnPlanCache(std::string path);  // empty: nothing is stored

  std::optional<std::string> find(const std::string& key) const override;
  void remember(const std::string& key, const std::string& plan) override;  // also writes the file

 private:
  PlanList read(bool report) const;
  std::string path_;
  PlanList plans_;
};

// For kernels::cudnn::set_plan_store().
std::unique_ptr<kernels::cudnn::PlanStore> open_cudnn_plan_cache(const std::string& version,
                                                                 const std::string& gpu);

}  // namespace engine
