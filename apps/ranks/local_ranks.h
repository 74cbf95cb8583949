// Starts the ranks of one run on this machine without an MPI launcher, for the CUDA device.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace apps {

// Starts `ranks` processes of a command, with the variables that torchrun would set (RANK, LOCAL_RANK,
// WORLD_SIZE, MASTER_ADDR, MASTER_PORT), waits for all, and returns the exit code of the first that failed
// (128 + the signal that ended it). SIGTERM, SIGUSR1, SIGHUP and SIGINT are passed on to them. When one has
// failed, the others have the time `grace` to detect and report it. Then they get SIGTERM, and after another
// `grace` SIGKILL. None outlives this process.
int run_local_ranks(int ranks, const std::vector<std::string>& command,
                    std::chrono::milliseconds grace = std::chrono::seconds(10));

}  // namespace apps
