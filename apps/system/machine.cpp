#include "apps/system/machine.h"
#ifdef DYAD_CUDA
#include "kernels/vendor/cublaslt.h"
#endif
#ifdef DYAD_CUDNN
#include "kernels/vendor/cudnn.h"
#endif
#ifdef DYAD_ONEDNN
#include "kernels/vendor/onednn.h"
#endif

#include <jpeglib.h>
#include <spng.h>
#include <unistd.h>

#include <CLI/Version.hpp>
#include <algorithm>
#include <fstream>
#include <sstream>

#include "apps/system/build_facts.h"
#include "data/decode/decode.h"
#include "engine/device.h"
#include "engine/memory/cuda_device.h"
#include "engine/ranks/mpi_communicator.h"
#include "engine/ranks/nccl_communicator.h"
#include "kernels/base/thread_cores.h"
#ifdef DYAD_ONEDNN
#include <dnnl.hpp>
#endif

namespace apps {
namespace {

using nlohmann::ordered_json;

std::string after_colon(const std::string& line) {
  const auto colon = line.find(':');
  const auto first = colon == std::string::npos ? colon : line.find_first_not_of(" \t", colon + 1);
  return first == std::string::npos ? "" : line.substr(first);
}

std::string command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  if (!text.empty() && text.back() == '\0') text.pop_back();
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

// Of a library that is opened at run time: nothing is where there is no device.
[[maybe_unused]] std::string version_of(bool with_gpu, std::string (*library_version)()) {
  std::string why;
  if (!with_gpu || engine::cuda::count(&why) == 0) return "opened for a CUDA device";
  try {
    return library_version();
  } catch (const std::exception& e) {
    return e.what();
  }
}

}  // namespace

std::string version_text() {
  const std::string revision = build_facts.revision;
  return std::string("dyad ") + build_facts.version + " (" + (revision.empty() ? "" : revision + ", ") +
         build_facts.compiled_for + ")";
}

bool CpuInfo::has(const std::string& feature) const {
  return std::find(features.begin(), features.end(), feature) != features.end();
}

CpuInfo cpu_info() {
  CpuInfo info;
  std::ifstream file("/proc/cpuinfo");
  std::string line, flags;
  while (std::getline(file, line)) {
    if (info.model.empty() && line.rfind("model name", 0) == 0) info.model = after_colon(line);
    if (flags.empty() && (line.rfind("flags", 0) == 0 || line.rfind("Features", 0) == 0))
      flags = " " + after_colon(line) + " ";
  }
  if (info.model.empty()) info.model = "unknown";
  for (const char* f : {"avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni",
                        "avx512_bf16", "amx_bf16", "asimd", "sve"})
    if (flags.find(std::string(" ") + f + " ") != std::string::npos) info.features.push_back(f);
  const auto cores = int(kernels::allowed_cores().size());
  info.cores = cores > 0 ? cores : int(sysconf(_SC_NPROCESSORS_ONLN));
  return info;
}

std::string bf16_products([[maybe_unused]] const CpuInfo& cpu) {
#ifdef DYAD_ONEDNN
  if (kernels::onednn::has_bf16())  // which also heeds ONEDNN_MAX_CPU_ISA
    for (const char* feature : {"amx_bf16", "avx512_bf16"})
      if (cpu.has(feature)) return std::string("products by ") + feature;
#endif
  return "for memory; products are f32";
}

ordered_json library_versions([[maybe_unused]] bool with_gpu) {
  ordered_json v;
#ifdef __clang__
  v["compiler"] = std::string("clang ") + __clang_version__;
#else
  v["compiler"] = std::string("gcc ") + __VERSION__;
#endif
#ifdef DYAD_ONEDNN
  const dnnl_version_t* dnnl = dnnl_version();
  std::ostringstream text;
  text << dnnl->major << '.' << dnnl->minor << '.' << dnnl->patch;
  v["oneDNN"] = text.str();
#else
  v["oneDNN"] = "not built in";
#endif
  v["MPI"] = engine::mpi_version();
#ifdef DYAD_CUDA
  v["CUDA"] = build_facts.cuda;
  v["cuBLASLt"] = version_of(with_gpu, kernels::cublaslt::version);
#ifdef DYAD_CUDNN
  v["cuDNN"] = version_of(with_gpu, kernels::cudnn::version);
#else
  v["cuDNN"] = "not built in";
#endif
  v["NCCL"] = engine::nccl_is_built_in() ? version_of(with_gpu, engine::nccl_version)
                                         : "not built in: there was no nccl.h (libnccl-dev)";
#else
  v["CUDA"] = "not built in";
#endif
#define DYAD_TEXT_OF(x) #x
#define DYAD_TEXT(x) DYAD_TEXT_OF(x)
  v["libjpeg-turbo"] = DYAD_TEXT(LIBJPEG_TURBO_VERSION);
  v["libspng"] = spng_version_string();
  for (const data::OptionalFormat& f : data::optional_formats())
    v[f.library] =
        f.version.empty() ? "not built in: no " + f.format + " images (" + f.package + ")" : f.version;
  v["CLI11"] = CLI11_VERSION;
  v["nlohmann-json"] = DYAD_TEXT(NLOHMANN_JSON_VERSION_MAJOR) "." DYAD_TEXT(
      NLOHMANN_JSON_VERSION_MINOR) "." DYAD_TEXT(NLOHMANN_JSON_VERSION_PATCH);
#undef DYAD_TEXT
#undef DYAD_TEXT_OF
  return v;
}

ordered_json environment(const std::string& device) {
  const CpuInfo cpu = cpu_info();
  ordered_json e;
  e["version"] = build_facts.version;
  e["revision"] = build_facts.revision;
  e["compiled_for"] = build_facts.compiled_for;
  e["command"] = command_line();
  e["device"] = device;
  e["cpu"] = {{"model", cpu.model}, {"cores", cpu.cores}, {"features", cpu.features}};
  const engine::Device used = engine::parse_device(device);
  const bool on_gpu = used.backend == engine::Backend::cuda;
  if (on_gpu) e["gpu"] = engine::cuda::description(used.index);
  e["libraries"] = library_versions(on_gpu);
  return e;
}

}  // namespace apps
