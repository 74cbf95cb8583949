// Runs mpirun for --ranks on the CPU device.
#pragma once

#include <string>
#include <vector>

namespace apps {

// Runs a command that begins with mpirun, waits for it, and returns the code that the ranks ended with.
// SIGINT, SIGTERM, SIGUSR1 and SIGHUP are sent to the ranks themselves: mpirun would end them instead of
// waiting for their checkpoint. A rank that a library has ended, as Open MPI does when an allocation of its
// own fails, is a lost one, and a line says so (engine/ranks/rank_endings.h). UsageError if mpirun can't be
// started. mpirun gets SIGTERM when this process is killed.
int run_mpirun(const std::vector<std::string>& command);

// The exit code of a run: `code` is the launcher's, `asked` the signal that was sent to the ranks, or 0. A
// rank that a signal has ended is lost: the others end with 75, but launchers return 128 + the signal.
int code_of_run(int code, int asked);

}  // namespace apps
