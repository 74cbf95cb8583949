// The CPU threads that run the blocks of a launch and of a convolution.
//
// Each thread that calls on_cpu_threads() owns a team, made at its first call. Between two calls a thread of
// the team first spins, and then sleeps. docs/design.md says how a team shares its cores with other programs.
#pragma once

#include <memory>
#include <type_traits>

namespace kernels {

// How many threads on_cpu_threads() uses for this thread: OpenMP's number (omp_set_num_threads(),
// OMP_NUM_THREADS, else the cores of the process's affinity). 1 on a thread of a team, in a parallel region
// of OpenMP, and in builds without OpenMP.
int cpu_threads();

// Whether this thread is inside on_cpu_threads(), be it with one thread, or a OneCpuThread exists.
bool on_one_cpu_thread();

void run_on_cpu_threads(int threads, void (*work)(void* context, int thread), void* context);

// Calls f(thread) on the calling thread (thread 0), and at the same time on at most threads - 1 others (1 to
// threads - 1). Returns when all of these calls have returned. A thread that comes late, since it sleeps or
// another program has its core, is not waited for and doesn't call f. So f takes piece after piece of the
// work until none is left. f must not throw.
template <class F>
void on_cpu_threads(int threads, F&& f) {
  run_on_cpu_threads(
      threads,
      [](void* context, int thread) noexcept {
        (*static_cast<std::remove_reference_t<F>*>(context))(thread);
      },
      std::addressof(f));
}

// During its lifetime the calling thread works alone: cpu_threads() is 1, and the vendor's library uses one
// thread.
class OneCpuThread {
 public:
  OneCpuThread();
  ~OneCpuThread();
  OneCpuThread(const OneCpuThread&) = delete;
  OneCpuThread& operator=(const OneCpuThread&) = delete;

 private:
  const bool was_alone_;
  int before_ = 1;
};

}  // namespace kernels
