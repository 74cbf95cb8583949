// How busy a GPU is, by NVIDIA's management library, which comes with the driver. In CUDA builds only.
#pragma once

#include <string>

namespace kernels::nvml {

// Percent of the last sample period (a sixth of a second to a second) in which a kernel was running; all
// processes count. Negative if the library is missing or doesn't know the device.
double busy_percent(const std::string& pci_bus_id);

}  // namespace kernels::nvml
