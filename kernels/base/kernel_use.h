// What kernels take of a GPU's processors. Where a list is set, each launch on a CudaStream adds to it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace kernels {

struct KernelUse {
  std::string launcher;
  int threads = 0;               // a block
  int registers = 0;             // a thread
  std::size_t local_bytes = 0;   // a thread: spilled registers, and arrays that found no register
  std::size_t shared_bytes = 0;  // a block
  double occupancy = 0;          // part of a processor's threads that blocks of this kernel fill
  bool operator==(const KernelUse&) const = default;
};

std::vector<KernelUse>*& kernel_uses();  // the list in use, or null

}  // namespace kernels
