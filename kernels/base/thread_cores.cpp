#include "kernels/base/thread_cores.h"

#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <cstddef>
#include <ctime>
#ifdef _OPENMP
#include <omp.h>
#endif

namespace kernels {
namespace {

void keep_on(pthread_t thread, const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(std::size_t(core), &set);
  // It fails if the process may not use these cores any more. Then the thread stays where it is.
  if (!cores.empty()) static_cast<void>(pthread_setaffinity_np(thread, sizeof set, &set));
}

}  // namespace

std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(std::size_t(core), &set)) cores.push_back(core);
  return cores;
}

std::vector<int> openmp_place([[maybe_unused]] int thread) {
  std::vector<int> cores;
#ifdef _OPENMP
  const int places = omp_get_num_places(), own = omp_get_place_num();
  if (omp_get_proc_bind() == omp_proc_bind_false || places <= 0 || own < 0) return cores;
  const int place = (own + thread) % places;
  cores.resize(std::size_t(omp_get_place_num_procs(place)));
  omp_get_place_proc_ids(place, cores.data());
#endif
  return cores;
}

void keep_on(std::thread& thread, const std::vector<int>& cores) { keep_on(thread.native_handle(), cores); }
void keep_this_thread_on(const std::vector<int>& cores) { keep_on(pthread_self(), cores); }

bool is_running(std::thread& thread) {
  clockid_t clock{};
  if (pthread_getcpuclockid(thread.native_handle(), &clock) != 0) return false;
  const auto used = [clock] {
    timespec t{};
    clock_gettime(clock, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
  };
  using Clock = std::chrono::steady_clock;
  const auto before = used();
  for (const auto end = Clock::now() + std::chrono::microseconds(10); Clock::now() < end;) {
  }
  return used() != before;
}

}  // namespace kernels
