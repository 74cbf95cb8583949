// The resources that a kernel uses on a GPU. While a list is set, each launch on a CudaStream adds an entry.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace kernels {

struct KernelUse {
  std::string launcher;
  int threads = 0;               // per block
  int registers = 0;             // per thread
  std::size_t local_bytes = 0;   // per thread: spilled registers and arrays that are not in registers
  std::size_t shared_bytes = 0;  // per block
  double occupancy = 0;          // share of an SM's threads that blocks of this kernel fill
  bool operator==(const KernelUse&) const = default;
};

std::vector<KernelUse>*& kernel_uses();  // the list in use, or null

}  // namespace kernels
