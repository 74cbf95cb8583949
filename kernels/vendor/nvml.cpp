#ifdef DYAD_CUDA
#include "kernels/vendor/nvml.h"

#include <optional>

#include "kernels/vendor/vendor_library.h"

namespace kernels::nvml {
namespace {

// Declared here, since the driver brings no header. A status of 0 is success.
struct Utilization {
  unsigned int gpu, memory;  // percent of the time in which a kernel ran, in which memory was read or written
};
struct NvmlApi {
  int (*init)() = nullptr;
  int (*device_of)(const char* pci_bus_id, void** device) = nullptr;
  int (*utilization)(void* device, Utilization*) = nullptr;
};

std::optional<NvmlApi> open_nvml() {
  try {
    const VendorLibrary l("NVML", {"libnvidia-ml.so.1"}, "it comes with NVIDIA's driver");
    NvmlApi api;
    l.find("nvmlInit_v2", api.init);
    l.find("nvmlDeviceGetHandleByPciBusId_v2", api.device_of);
    l.find("nvmlDeviceGetUtilizationRates", api.utilization);
    if (api.init() == 0) return api;
  } catch (const MissingLibrary&) {  // the figure is left out
  }
  return std::nullopt;
}

}  // namespace

double busy_percent(const std::string& pci_bus_id) {
  static const std::optional<NvmlApi> api = open_nvml();
  void* device = nullptr;
  Utilization used{};
  if (!api || api->device_of(pci_bus_id.c_str(), &device) != 0 || api->utilization(device, &used) != 0)
    return -1;
  return used.gpu;
}

}  // namespace kernels::nvml
#endif
