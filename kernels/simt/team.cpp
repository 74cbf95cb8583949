#include "kernels/simt/team.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <numeric>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/base/check_options.h"
#include "kernels/base/cpu_threads.h"
#include "kernels/base/launch_log.h"
#include "kernels/base/launch_record.h"
#include "kernels/simt/random_order.h"

namespace kernels::simt {
namespace {

using Clock = std::chrono::steady_clock;

// A kernel may well spin for a while where nothing changes, for example until its patience ends, or do many
// atomics that change nothing. A second is far longer than a card's kernel takes, but on a busy machine a
// round takes as long as others let it: so the rounds count too, of which a card's kernel makes far fewer.
constexpr auto patience = std::chrono::seconds(1);
constexpr unsigned least_rounds = 20'000;

struct Abandoned {};  // another block has failed

class Team;

// An OS thread of a team.
struct Worker {
  Team& team;
  BlockRange range = {};
  // while its block waits: since when nothing has changed, and whether it has given up hope
  bool waits = false, hopeless = false;
  std::uint64_t seen = 0;  // Team::progress_
  unsigned rounds = 0;
  Clock::time_point since = {};
};
thread_local Worker* this_worker = nullptr;

class Team {
 public:
  // order: of the blocks, or null for the natural one. piece: how many blocks an OS thread takes at a time.
  Team(const LaunchShape& shape, RunBlocks run, const void* launch, const unsigned* order,
       std::uint64_t piece)
      : shape_(shape),
        run_(run),
        launch_(launch),
        order_(order),
        piece_(piece),
        blocks_(shape.block_count()) {}

  const LaunchShape& shape() const { return shape_; }

  void work() {
    ++alive_;
    run_blocks();
  }

  // After the last OS thread's work(): waits for the helpers, and throws what a block has thrown.
  void finish() {
    for (std::unique_lock lock(mutex_); !helpers_.empty(); lock.lock()) {
      std::thread helper = std::move(helpers_.back());
      helpers_.pop_back();
      lock.unlock();
      helper.join();
    }
    if (error_) std::rethrow_exception(error_);
  }

  void wait(Worker& w, std::string (*describe)(const void*), const void* context) {
    {
      const std::lock_guard lock(mutex_);
      if (failed_) throw Abandoned{};
      if (w.range.next < w.range.end)
        spare_.push_back({w.range.next, std::exchange(w.range.end, w.range.next)});
      has_spare_ = !spare_.empty();
      if (blocks_left() && alive_ < most_at_once(shape_.threads_in_block())) start_helper();
      const auto now = Clock::now();
      if (!w.waits || w.seen != progress_) {
        w.waits = true;
        w.hopeless = false;
        w.seen = progress_;
        w.rounds = 0;
        w.since = now;
      }
      if (!w.hopeless && ++w.rounds >= least_rounds && now - w.since > patience) {
        w.hopeless = true;
        waiting_.push_back(describe(context));
      }
      if (waiting_.size() == alive_) throw SimtHang(to_string(shape_.site) + ": " + who_waits());
    }
    std::this_thread::yield();
  }

  void gets_on(Worker& w) {
    w.waits = false;
    const std::lock_guard lock(mutex_);
    note_progress();
  }

 private:
  void run_blocks() {
    Worker worker{.team = *this};
    Worker* const before = std::exchange(this_worker, &worker);
    try {
      while (!failed_ && claim(worker.range)) run_(launch_, worker.range);
    } catch (const Abandoned&) {  // whoever failed has said why
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      failed_ = true;
    }
    this_worker = before;
    const std::lock_guard lock(mutex_);
    --alive_;
    note_progress();
  }

  bool claim(BlockRange& range) {
    if (const std::uint64_t first = next_.fetch_add(piece_); first < blocks_) {
      range = order_ ? BlockRange{order_[first], order_[first] + std::uint64_t{1}}
                     : BlockRange{first, std::min(blocks_, first + piece_)};
      return true;
    }
    if (!has_spare_) return false;
    const std::lock_guard lock(mutex_);
    if (spare_.empty()) return false;
    range = spare_.back();
    spare_.pop_back();
    return true;
  }
  bool blocks_left() const { return next_ < blocks_ || !spare_.empty(); }

  void start_helper() {
    try {
      helpers_.emplace_back([this] {
        run_blocks();
        end_launch();  // last: from here on this OS thread knows what its blocks did, and must not tell
                       // others
      });
      ++alive_;
    } catch (const std::system_error&) {  // no more OS threads: the blocks that are left must wait
    }
  }

  void note_progress() {
    ++progress_;
    waiting_.clear();
  }

  std::string who_waits() const {
    constexpr std::size_t most = 4;
    std::string text = "no thread gets on: ";
    for (std::size_t i = 0; i < std::min(most, waiting_.size()); ++i) text += (i ? "; " : "") + waiting_[i];
    if (waiting_.size() > most) text += "; " + std::to_string(waiting_.size() - most) + " more blocks wait";
    std::uint64_t left = blocks_ - std::min<std::uint64_t>(blocks_, next_);
    for (const BlockRange& r : spare_) left += r.end - r.next;
    if (left)
      text += "; " + std::to_string(left) + " blocks have not begun, since " +
              std::to_string(most_at_once(shape_.threads_in_block())) + " of this size run at once";
    if (const std::uint64_t ended = blocks_ - left - waiting_.size(); ended)
      text += "; " + std::to_string(ended) + " of " + std::to_string(blocks_) + " blocks have ended";
    return text;
  }

  const LaunchShape& shape_;
  RunBlocks run_;
  const void* launch_;
  const unsigned* order_;
  std::uint64_t piece_, blocks_;

  std::atomic<std::uint64_t> next_ = 0;
  std::atomic<bool> failed_ = false, has_spare_ = false;
  std::atomic<unsigned> alive_ = 0;  // OS threads that run blocks

  std::mutex mutex_;  // of what follows
  std::uint64_t progress_ = 0;
  std::vector<std::string> waiting_;  // descriptions of the blocks without hope
  std::vector<BlockRange> spare_;     // blocks given back
  std::vector<std::thread> helpers_;
  std::exception_ptr error_;
};

// ThreadSanitizer: the host learns what a launch did when the launch is over, and not before, so that the
// launch's blocks are unordered.
struct LaunchEdges {
  LaunchEdges() { begin_launch(); }
  ~LaunchEdges() { end_launch(); }
  LaunchEdges(const LaunchEdges&) = delete;
  LaunchEdges& operator=(const LaunchEdges&) = delete;
};

// On the calling thread, in the order that the check options ask for.
void run_in_order(const LaunchShape& shape, RunBlocks run, const void* launch) {
  const std::uint64_t seed = check_options().order_seed, blocks = shape.block_count();
  std::vector<unsigned> order;
  if (seed && blocks <= 1u << 20) {
    order.resize(blocks);
    std::iota(order.begin(), order.end(), 0u);
    RandomOrder(seed, blocks).shuffle(order);
  }
  Team team(shape, run, launch, order.empty() ? nullptr : order.data(), order.empty() ? blocks : 1);
  team.work();
  team.finish();
}

void run_in_parallel(const LaunchShape& shape, RunBlocks run, const void* launch, int workers) {
  const std::uint64_t piece = std::max<std::uint64_t>(1, shape.block_count() / (std::uint64_t(workers) * 8));
  Team team(shape, run, launch, nullptr, piece);
  on_cpu_threads(int(std::min<std::uint64_t>(std::uint64_t(workers), shape.block_count())),
                 [&](int) { team.work(); });
  team.finish();
}

// Appends to a text of fixed size, without the C library.
struct FixedText {
  char text[256];
  std::size_t used = 0;
  FixedText& operator<<(char c) {
    if (used + 1 < sizeof text) text[used++] = c;
    text[used] = 0;
    return *this;
  }
  FixedText& operator<<(const char* words) {
    for (; *words; ++words) *this << *words;
    return *this;
  }
  FixedText& operator<<(unsigned number) {
    if (number >= 10) *this << number / 10;
    return *this << char('0' + number % 10);
  }
};

}  // namespace

unsigned most_at_once(unsigned threads_in_block) {
  // Each thread that waits needs a stack, and under ThreadSanitizer a context of 0.9 MB.
  constexpr unsigned threads = tsan ? 2048 : 16384, blocks = tsan ? 64 : 128;
  return std::clamp(threads / threads_in_block, 2u, blocks);
}

void run_launch(const LaunchShape& shape, RunBlocks run, const void* launch, std::size_t bytes) {
  if (LaunchRecord* record = launch_record()) {
    struct alignas(64) Copy {
      unsigned char bytes[1024];
    };
    if (bytes > sizeof(Copy)) throw SimtError("a launch of " + std::to_string(bytes) + " bytes is recorded");
    const auto copy = std::make_shared<Copy>();
    std::memcpy(copy->bytes, launch, bytes);
    return record->add([=] { run_launch(shape, run, copy->bytes, bytes); });
  }
  const std::uint64_t blocks = shape.block_count();
  if (const unsigned most = most_at_once(shape.threads_in_block()); shape.cooperative && blocks > most)
    throw SimtError(to_string(shape.site) + ": a cooperative launch of " + std::to_string(blocks) +
                    " blocks; at most " + std::to_string(most) + " of this size run at once on the host");
  if constexpr (tsan) {
    const LaunchEdges edges;
    return run_in_order(shape, run, launch);
  }
  const int workers = cpu_threads();
  if (blocks > 1 && workers > 1 && !check_options().order_seed)
    return run_in_parallel(shape, run, launch, workers);
  run_in_order(shape, run, launch);
}

void wait_for_other_blocks(std::string (*describe)(const void*), const void* context) {
  this_worker->team.wait(*this_worker, describe, context);
}

void block_gets_on() {
  if (this_worker->waits) this_worker->team.gets_on(*this_worker);
}

void give_way_without_fibers(bool first, const char* file, int line) {
  if (first) block_gets_on();
  struct Place {
    const char* file;
    int line;
  } const place = {file, line};
  const auto describe = [](const void* context) {
    const auto& p = *static_cast<const Place*>(context);
    const std::string name = running_thread();
    return name.substr(0, name.find(" in ")) + " spins at " + p.file + ":" + std::to_string(p.line);
  };
  wait_for_other_blocks(describe, &place);
}

const char* running_thread() {
  static thread_local FixedText text;
  text.text[text.used = 0] = 0;
  if (!this_worker) return text.text;
  const LaunchShape& shape = this_worker->team.shape();
  const auto index = [](const unsigned(&size)[3], std::uint64_t i, unsigned(&at)[3]) {
    at[0] = static_cast<unsigned>(i % size[0]);
    at[1] = static_cast<unsigned>(i / size[0] % size[1]);
    at[2] = static_cast<unsigned>(i / size[0] / size[1]);
  };
  ThreadIndices indices;
  index(shape.threads, shape.threads_in_block() == 1 ? 0 : this_block().running, indices.thread);
  index(shape.blocks, this_worker->range.next - 1, indices.block);
  text << ThreadName(indices, false).text() << " in ";
  for (const char* c = shape.site.launcher; *c && *c != '<'; ++c) text << *c;
  text << " (" << shape.site.file << ":" << static_cast<unsigned>(shape.site.line) << ")";
  return text.text;
}

}  // namespace kernels::simt
