// The threads of the CPU device: all work is done once, whoever comes late.
#include "kernels/base/cpu_threads.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "kernels/base/parallel_blocks.h"
#include "kernels/base/thread_cores.h"
#include "kernels/simt/sanitizers.h"
#include "tests/support/busy_cores.h"

namespace {

using kernels::on_cpu_threads;

// Before any team has been made.
const std::vector<int> cores_at_start = kernels::allowed_cores();

// Each piece of the work, done by whichever thread takes it. Returns how often each was done.
std::vector<int> pieces_done(int threads, int count) {
  std::vector<int> done(std::size_t(count), 0);
  std::atomic<int> next = 0;
  on_cpu_threads(threads, [&](int) {
    for (int i; (i = next++) < count;) ++done[std::size_t(i)];
  });
  return done;
}

void check_many_launches(int launches) {
  for (const int threads : {1, 2, 3, 5})
    for (int i = 0; i < launches; ++i) {
      const int count = 1 + i % 40;
      if (pieces_done(threads, count) != std::vector<int>(std::size_t(count), 1)) FAIL("launch ", i);
    }
}

}  // namespace

TEST_CASE("cpu_threads: each piece is done once, for any number of threads") { check_many_launches(2000); }

TEST_CASE("cpu_threads: beside other threads on every core, which take turns with them") {
  const BusyCores others;
  check_many_launches(100);
}

TEST_CASE("cpu_threads: after a pause in which the threads have gone to sleep") {
  pieces_done(3, 10);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(pieces_done(3, 10) == std::vector<int>(10, 1));
}

TEST_CASE("cpu_threads: inside, a thread works alone") {
  CHECK_FALSE(kernels::on_one_cpu_thread());
  const int before = kernels::cpu_threads();
  for (const int threads : {1, 3}) {
    std::atomic<int> wrong = 0, nested = 0;
    on_cpu_threads(threads, [&](int) {
      if (!kernels::on_one_cpu_thread() || kernels::cpu_threads() != 1) ++wrong;
      on_cpu_threads(4, [&](int thread) {
        if (thread == 0) ++nested;
      });
      if (!kernels::on_one_cpu_thread()) ++wrong;
    });
    CHECK(wrong == 0);
    CHECK(nested >= 1);
    CHECK(nested <= threads);
  }
  CHECK_FALSE(kernels::on_one_cpu_thread());
  CHECK(kernels::cpu_threads() == before);
  {
    const kernels::OneCpuThread alone;
    CHECK(kernels::cpu_threads() == 1);
  }
  CHECK(kernels::cpu_threads() == before);
}

TEST_CASE("cpu_threads: the numbers of threads are those of the slots") {
  std::vector<std::atomic<int>> inside(3);
  std::atomic<int> wrong = 0, next = 0;
  for (int launch = 0; launch < 200; ++launch) {
    next = 0;
    on_cpu_threads(3, [&](int thread) {
      if (thread < 0 || thread > 2 || inside[std::size_t(thread)]++ != 0) ++wrong;
      while (next++ < 20) std::this_thread::yield();
      --inside[std::size_t(thread)];
    });
    pieces_done(5, 5);  // more threads than the next launch wants
  }
  CHECK(wrong == 0);
}

TEST_CASE("cpu_threads: several threads each have their team") {
  std::vector<std::thread> owners;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 3; ++i)
    owners.emplace_back([&] {
      for (int launch = 0; launch < 200; ++launch)
        if (pieces_done(2, 10) != std::vector<int>(10, 1)) ++wrong;
    });
  for (std::thread& t : owners) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("cpu_threads: a forked process has threads of its own") {
  if (kernels::simt::tsan) return;  // ThreadSanitizer allows a forked process no threads
  pieces_done(3, 10);
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<bool> other = false;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!other && std::chrono::steady_clock::now() < end)
      on_cpu_threads(2, [&](int thread) {
        if (thread == 1) other = true;
      });
    _exit(other && pieces_done(3, 10) == std::vector<int>(10, 1) ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(pieces_done(3, 10) == std::vector<int>(10, 1));
}

TEST_CASE("cpu_threads: the owner's cores stay as they were, and so do those of threads that it starts") {
  REQUIRE_FALSE(cores_at_start.empty());
  {
    const BusyCores others;
    for (int i = 0; i < 200; ++i) pieces_done(int(cores_at_start.size()), 40);
  }
  CHECK(kernels::allowed_cores() == cores_at_start);
  std::vector<int> of_other;
  std::thread([&] { of_other = kernels::allowed_cores(); }).join();
  CHECK(of_other == cores_at_start);
}

#ifndef DYAD_SIMT_ONLY
TEST_CASE("for_each_block: the first error is thrown, when all blocks are done") {
  std::atomic<int> done = 0;
  CHECK_THROWS_WITH_AS(kernels::for_each_block(kernels::CpuStream{}, 20, 3,
                                               [&](std::int64_t i, int) {
                                                 ++done;
                                                 if (i == 7) throw std::runtime_error("block 7");
                                               }),
                       "block 7", std::runtime_error);
  CHECK(done == 20);
}
#endif
