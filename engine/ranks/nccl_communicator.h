// Ranks with a GPU each: NCCL's collectives, on a stream of their own beside the compute stream. No
// collective but barrier() waits on the host.
#pragma once

#include <memory>
#include <string>

#include "engine/ranks/communicator.h"

namespace engine {

bool nccl_is_built_in();
std::string nccl_version();  // of the library on this machine, which is opened for it: "2.28.9"

// Joins the `size` ranks of a run. Where `unique_id` is empty they meet at NCCL_COMM_ID (host:port), or else
// at MASTER_ADDR and the port after MASTER_PORT. What takes longer than `timeout` seconds (0: no limit) is a
// RankError: a watch beside the main thread notices and stops NCCL's kernels, and the next collective throws.
// UsageError where dyad was built without NCCL, MissingLibrary where the library is not on this machine.
std::unique_ptr<Communicator> connect_nccl(Device, int rank, int size, double timeout,
                                           const std::string& unique_id = "");

// Made on one rank and carried to the others, where there is another way to do so.
std::string nccl_unique_id();

}  // namespace engine
