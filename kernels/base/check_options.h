// The checking modes, process-wide, read at each launch and by the engine's allocator; and the error that a
// wrong launch or a wrong kernel ends in. docs/simt.md says what each mode catches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace kernels {

struct CheckOptions {
  // SimtStream: not 0 runs the blocks of a launch, and the threads of a block between two barriers, in a
  // random order drawn from this seed. A kernel without races gives the same bits in every order.
  std::uint64_t order_seed = 0;

  // SimtStream: a thread that has returned while others wait at a barrier is an error. false is what hardware
  // does: the barrier waits for the remaining threads only.
  bool strict_barriers = true;

  // SimtStream: shared memory is filled with poison_byte before each block, so that what no thread wrote
  // shows in the result. Engine: so is fresh device memory.
  bool poison_shared = false;
  bool poison_memory = false;
  unsigned char poison_byte = 0xff;  // 0xffff... is NaN in f32, f64 and bf16, and -1 in integers

  // CudaStream: wait after each launch, so that an error is reported by the launch that caused it.
  bool sync_launches = false;
};

CheckOptions& check_options();

// Fresh memory of a device on this machine: poison_byte everywhere if so asked, and unwritten to
// MemorySanitizer.
void ready_memory(void* memory, std::size_t bytes);

// A launch that CUDA would refuse, or a kernel whose threads do not meet at their barriers and shuffles. One
// line: the launcher, its place, what is wrong and where.
struct SimtError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace kernels
