// Compiles the planted kernels with nvcc: they must be valid CUDA.
#include "tests/planted/cases.h"

namespace kernels::planted {
std::vector<std::string> cuda_case_names() {
  std::vector<std::string> names;
  for (const Case& c : all_cases<CudaStream>()) names.push_back(c.name);
  return names;
}
}  // namespace kernels::planted
