// What this program runs on and was made of.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace apps {

std::string version_text();  // "dyad 0.1.0 (1a2b3c4, x86-64-v4)"

struct CpuInfo {
  std::string model;
  int cores = 0;                      // that this process may use
  std::vector<std::string> features;  // of those that matter here: "avx2", "avx512_bf16" ...
  bool has(const std::string& feature) const;
};
CpuInfo cpu_info();

// What --dtype bf16 means on the CPU device: "products by amx_bf16", or that bf16 saves memory only.
std::string bf16_products(const CpuInfo&);

// Versions of the compiler and of every library, by name. Those of the CUDA device are opened for it where
// there is one; without `with_gpu` they are not looked for.
nlohmann::ordered_json library_versions(bool with_gpu);

// Everything that a figure depends on besides the configuration: env.json of a run. A run on the CPU leaves
// the driver alone, which takes hundreds of megabytes and a part of a second.
nlohmann::ordered_json environment(const std::string& device);

}  // namespace apps
