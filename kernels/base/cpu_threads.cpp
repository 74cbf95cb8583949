#include "kernels/base/cpu_threads.h"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/base/thread_cores.h"
#ifdef _OPENMP
#include <omp.h>
#endif

namespace kernels {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

// How long a thread spins before it sleeps: longer than what lies between two launches of a training step.
constexpr auto kSpin = microseconds(2000);
// How long the owner of a team waits for a thread before it looks whether that thread has a core: longer than
// the pieces of most launches.
constexpr auto kPatience = microseconds(30);

thread_local bool alone = false;  // on_one_cpu_thread()

// A forked process has only the thread that forked. Counts the forks above this process.
std::atomic<unsigned> forks = 0;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Until done(value), but for at most `longest`. Returns the value.
template <class Done>
std::uint32_t spin(const std::atomic<std::uint32_t>& value, microseconds longest, Done done) {
  constexpr int at_once = 32;  // between two looks at the clock
  const auto end = Clock::now() + longest;
  std::uint32_t now = value;
  do {
    for (int i = 0; i < at_once && !done(now); ++i, now = value) pause();
  } while (!done(now) && Clock::now() < end);
  return now;
}

template <class Done>
std::uint32_t sleep(const std::atomic<std::uint32_t>& value, Done done) {
  std::uint32_t now = value;
  for (; !done(now); now = value) value.wait(now);
  return now;
}

// The threads that help one thread, the owner of the team.
class Team {
 public:
  Team() : forks_(forks) {}
  ~Team() {
    state_ = kStop;
    state_.notify_all();
    for (Member& m : members_) m.thread.join();
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  bool of_this_process() const { return forks_ == forks; }

  void run(int threads, void (*work)(void*, int), void* context) {
    if (std::size_t(threads) > members_.size() + 1) start_members(threads - 1);
    if (one_each_ && sched_getcpu() != core_) choose_homes();
    work_ = work;
    context_ = context;
    threads_ = threads;
    left_ = kStop;  // no launch's number
    const std::uint32_t launch = (state_ & kLaunch) + kNextLaunch;
    state_ = launch | kOpen;
    state_.notify_all();
    work(context, 0);
    if ((state_.fetch_and(~kOpen) & kInside) != 0) wait_for_members(launch);
  }

 private:
  struct Member {
    std::thread thread = {};
    std::atomic<bool> inside = false;   // of a launch
    std::atomic<bool> on_loan = false;  // runs on the owner's core
    std::vector<int> home = {};         // the cores on which it may run; guarded by homes_
  };

  // The parts of state_: threads of the team inside the launch, whether more may enter, and the launch's
  // number, which wraps around: a thread that sleeps through all of them misses one launch more.
  static constexpr std::uint32_t kInside = 0xffff, kOpen = 1u << 16, kStop = 1u << 17, kNextLaunch = 1u << 18,
                                 kLaunch = ~(kNextLaunch - 1);

  void start_members(int count) {
    try {
      while (int(members_.size()) < count) start_member();
    } catch (const std::system_error&) {  // no more threads: those that there are do the work
    }
    choose_homes();
  }

  void start_member() {
    Member& member = members_.emplace_back();
    try {
      member.thread = std::thread([this, index = int(members_.size()), &member] {
        const OneCpuThread each;
        serve(index, member);
      });
    } catch (...) {
      members_.pop_back();
      throw;
    }
  }

  // If the team needs all cores, each thread gets one: else the scheduler, which counts threads and not
  // teams, may leave two of them on one core and another program alone on the other.
  void choose_homes() {
    core_ = sched_getcpu();
    const std::vector<int> allowed = allowed_cores();
    one_each_ = allowed.size() == members_.size() + 1;
    const std::lock_guard lock(homes_);
    std::size_t next = 0;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      Member& m = members_[i];
      m.home = openmp_place(int(i) + 1);
      if (m.home.empty() && one_each_) {
        if (allowed[next] == core_) ++next;
        m.home = {allowed[next++ % allowed.size()]};
      }
      if (m.home.empty()) m.home = allowed;
      keep_on(m.thread, m.home);
    }
  }

  void serve(int index, Member& self) {
    for (std::uint32_t seen = 0;;) {
      const auto other = [seen](std::uint32_t s) { return (s & (kLaunch | kStop)) != seen; };
      std::uint32_t now = spin(state_, kSpin, other);
      if (!other(now)) now = sleep(state_, other);
      if (now & kStop) return;
      seen = now & kLaunch;
      while (now & kOpen && (now & kLaunch) == seen)
        if (state_.compare_exchange_weak(now, now + 1)) {
          self.inside = true;
          if (index < threads_) work_(context_, index);
          self.inside = false;
          leave(seen);
          if (self.on_loan.exchange(false)) {
            const std::lock_guard lock(homes_);
            keep_this_thread_on(self.home);
          }
          break;
        }
    }
  }

  void leave(std::uint32_t launch) {
    if (((state_.fetch_sub(1) - 1) & (kOpen | kInside)) != 0) return;
    left_ = launch;  // the last one, and the owner waits
    left_.notify_one();
  }

  // A thread that lost its core gets the owner's, which has nothing else to do.
  void wait_for_members(std::uint32_t launch) {
    const auto all_left = [launch](std::uint32_t left) { return left == launch; };
    if (all_left(spin(left_, kPatience, all_left))) return;
    for (Member& m : members_)
      if (m.inside && !is_running(m.thread) && m.inside) {
        m.on_loan = true;
        keep_on(m.thread, {sched_getcpu()});
        sleep(left_, all_left);
        return;
      }
    if (!all_left(spin(left_, kSpin, all_left))) sleep(left_, all_left);
  }

  const unsigned forks_;
  std::deque<Member> members_;
  std::mutex homes_;
  bool one_each_ = false;               // whether each thread has a core of its own
  int core_ = -1;                       // on which the owner was when homes were chosen
  void (*work_)(void*, int) = nullptr;  // of the launch in state_, as the two that follow
  void* context_ = nullptr;
  int threads_ = 0;
  alignas(64) std::atomic<std::uint32_t> state_ = 0;
  alignas(64) std::atomic<std::uint32_t> left_ = 0;  // the launch that its last thread has left
};

// The team of the calling thread.
class Owner {
 public:
  Owner() {
    static const int registered = pthread_atfork(nullptr, nullptr, [] { ++forks; });
    static_cast<void>(registered);
  }
  ~Owner() { forget_team_of_parent(); }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  Team& team() {
    forget_team_of_parent();
    if (!team_) team_ = std::make_unique<Team>();
    return *team_;
  }

 private:
  void forget_team_of_parent() {
    if (team_ && !team_->of_this_process()) static_cast<void>(team_.release());  // threads that don't exist
  }
  std::unique_ptr<Team> team_;
};

}  // namespace

int cpu_threads() {
#ifdef _OPENMP
  return omp_in_parallel() ? 1 : omp_get_max_threads();  // 1 too where OneCpuThread exists
#else
  return 1;
#endif
}

bool on_one_cpu_thread() { return alone; }

void run_on_cpu_threads(int threads, void (*work)(void* context, int thread), void* context) {
  const bool inside = alone;
  const OneCpuThread each;
  if (inside || threads <= 1) return work(context, 0);
  thread_local Owner owner;
  owner.team().run(threads, work, context);
}

OneCpuThread::OneCpuThread() : was_alone_(std::exchange(alone, true)) {
#ifdef _OPENMP
  before_ = omp_get_max_threads();
  omp_set_num_threads(1);
#endif
}

OneCpuThread::~OneCpuThread() {
  alone = was_alone_;
#ifdef _OPENMP
  omp_set_num_threads(before_);
#endif
}

}  // namespace kernels
