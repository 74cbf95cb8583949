// The checking modes, process-wide, read at each launch and by the engine's allocator; and the error that
// they throw. docs/simt.md says what each mode catches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>

namespace kernels {

struct CheckOptions {
  // SimtStream: if not 0, the blocks of a launch, and the threads of a block between two barriers, run in a
  // random order drawn from this seed. The result of a kernel without races is bit-identical in every order.
  std::uint64_t order_seed = 0;

  // SimtStream: it is an error if a thread has returned while others wait at a barrier. false: as on
  // hardware, the barrier waits for the remaining threads only.
  bool strict_barriers = true;

  // SimtStream: a shuffle from a lane that takes no part is an error. false: it is legal, as in CUDA, and
  // gives a value each byte of which is lane_byte. A kernel that does not use the value gives the same
  // results for every lane_byte; check_findings() says whether a shuffle has given one.
  bool strict_lanes = true;
  unsigned char lane_byte = 0xff;

  // SimtStream under ThreadSanitizer, which remembers four accesses of 8 bytes: each launch begins with none,
  // so that those of the host and of earlier launches don't take the place of the kernel's. This stops all
  // threads of the process, which costs milliseconds a launch, and many more on a busy machine. false: a race
  // of few pairs of threads may be missed.
  bool forget_history = false;

  // poison_shared, SimtStream: shared memory is filled with poison_byte before each block, so that reads of
  // uninitialized memory change the result. poison_memory, engine: the same for newly allocated device
  // memory.
  bool poison_shared = false;
  bool poison_memory = false;
  unsigned char poison_byte = 0xff;  // 0xffff... is NaN in f32, f64 and bf16, and -1 in integers

  // CudaStream: wait after each launch, so that the launch that caused an error reports it.
  bool sync_launches = false;
};

CheckOptions& check_options();

// Prepares newly allocated host memory: fills it with poison_byte if poison_memory is set, and marks it as
// uninitialized for MemorySanitizer.
void ready_memory(void* memory, std::size_t bytes);

// A launch that CUDA would refuse, or divergent barriers or shuffles in a kernel. The message is one line:
// the launcher, its source location, what is wrong and in which thread.
struct SimtError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// No thread of a launch gets on: each spins or waits at a barrier.
struct SimtHang : SimtError {
  using SimtError::SimtError;
};

}  // namespace kernels
