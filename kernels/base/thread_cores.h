// On which cores threads run. Sets of cores are lists of the numbers that the operating system gives them.
#pragma once

#include <thread>
#include <vector>

namespace kernels {

// The cores on which the calling thread may run; none if the system doesn't say.
std::vector<int> allowed_cores();

// Where OpenMP would bind a thread of a team of the calling thread, of which this is thread 0; none if OpenMP
// binds no threads (OMP_PROC_BIND, OMP_PLACES).
std::vector<int> openmp_place(int thread);

void keep_on(std::thread&, const std::vector<int>& cores);
void keep_this_thread_on(const std::vector<int>& cores);

// Whether the thread has a core: its clock moves within 10 microseconds. Not while it sleeps.
bool is_running(std::thread&);

}  // namespace kernels
