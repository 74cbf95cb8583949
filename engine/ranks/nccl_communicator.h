// Ranks with one GPU each: NCCL's collectives, on their own stream beside the compute stream. Only barrier()
// makes the host wait.
#pragma once

#include <memory>
#include <string>

#include "engine/ranks/communicator.h"

namespace engine {

bool nccl_is_built_in();
std::string nccl_version();  // of this machine's library, which it opens: "2.28.9"

// Joins the `size` ranks of a run. If `unique_id` is empty, the ranks meet at NCCL_COMM_ID (host:port), else
// at MASTER_ADDR and MASTER_PORT + 1. If a collective takes longer than `timeout` seconds (0: no limit), a
// watchdog thread aborts NCCL's kernels and the next collective throws RankError. UsageError if dyad was
// built without NCCL, MissingLibrary if the library is not installed.
std::unique_ptr<Communicator> connect_nccl(Device, int rank, int size, double timeout,
                                           const std::string& unique_id = "");

// An id made on one rank. The caller sends it to the other ranks by other means.
std::string nccl_unique_id();

}  // namespace engine
