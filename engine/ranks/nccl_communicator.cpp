#include "engine/ranks/nccl_communicator.h"

#ifdef DYAD_NCCL
#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/memory/host_wait.h"
#include "engine/ranks/nccl_api.h"
#include "kernels/base/launch_log.h"

namespace engine {
namespace {

using Clock = std::chrono::steady_clock;

ncclDataType_t type_of(DType t) {
  switch (t) {
    case DType::f32:
      return ncclFloat32;
    case DType::f64:
      return ncclFloat64;
    case DType::bf16:
      return ncclBfloat16;
    case DType::u8:
      return ncclUint8;
    case DType::i32:
      return ncclInt32;
    case DType::i64:
      return ncclInt64;
  }
  return ncclNumTypes;
}

// Describes a collective in messages.
struct Asked {
  const char* name;
  DType dtype;
  Shape shape;
  std::string text() const { return concat_text(name, " of ", dtype, " ", shape); }
};

bool is_good(ncclResult_t status) { return status == ncclSuccess || status == ncclInProgress; }

// A collective is enqueued on a separate stream between two events: it waits for the work queued on the
// compute stream so far, and later work on the compute stream waits for it. The host waits for neither.
//
// The communicator is non-blocking: a call may return before NCCL has finished it (the first call connects to
// the other ranks). Such a call is polled, so a rank that never joins cannot block this one for ever.
// Enqueued collectives cannot be polled that way; a watchdog thread checks them periodically. If another rank
// is lost or late, the watchdog aborts the communicator, which ends NCCL's kernels. Any wait of the main
// thread for the device then returns, and the next collective throws.
class Nccl : public Communicator {
 public:
  Nccl(const NcclRank& r, const NcclApi& api, const StreamCalls& cuda)
      : api_(api),
        cuda_(cuda),
        device_(r.device),
        rank_(r.rank),
        size_(r.size),
        timeout_(r.timeout),
        watch_every_(r.watch_every),
        compute_{cuda.compute_stream(r.device.index)},
        stream_(cuda.make_stream(r.device.index), cuda.destroy_stream),
        before_(make_event()),
        after_(make_event()),
        watched_event_(make_event()),
        flag_(zeros({1}, DType::i32, r.device)),
        exceptions_(std::uncaught_exceptions()) {
    ncclUniqueId id;
    const std::string bytes = r.unique_id.empty() ? meeting_point() : r.unique_id;
    require(bytes.size() == sizeof id.internal, "NCCL: a unique id of ", bytes.size(), " bytes, expected ",
            sizeof id.internal);
    std::memcpy(id.internal, bytes.data(), sizeof id.internal);
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    cuda_.use_device(device_.index);
    std::unique_lock lock(mutex_);
    settle(lock, api_.init_rank(&comm_, size_, id, rank_, &config), [this] {
      const char* where = std::getenv("NCCL_COMM_ID");
      return std::string("meeting the other ranks") + (where != nullptr ? std::string(" at ") + where : "");
    });
    lock.unlock();
    watch_ = std::thread([this] { watch(); });
  }

  // Waits until the other ranks have reached the end too, unless one is lost or an exception is being thrown.
  ~Nccl() override {
    std::unique_lock lock(mutex_);
    stop_ = true;
    lock.unlock();
    stopped_.notify_all();
    watch_.join();
    lock.lock();
    if (comm_ == nullptr) return;
    if (std::uncaught_exceptions() > exceptions_) {
      give_up({});
      return;
    }
    try {
      settle(lock, api_.finalize(comm_), [] { return "leaving"; });
      api_.destroy(comm_);             // frees local resources; its status does not matter, the run is done
    } catch (const std::exception&) {  // settle() has aborted the communicator
    }
  }

  Nccl(const Nccl&) = delete;
  Nccl& operator=(const Nccl&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  Device device() const override { return device_; }

  void all_reduce_sum(const Tensor& t) override {
    begin_all_reduce_sum(t);
    finish_all_reduces();
  }

  // Keeps the tensors: otherwise the pool would hand out their memory while NCCL still writes to it.
  void begin_all_reduce_sum(const Tensor& t) override {
    if (t.numel() == 0) return;
    enqueue("all_reduce", t, [&] {
      return api_.all_reduce(t.raw(), t.raw(), std::size_t(t.numel()), type_of(t.dtype()), ncclSum, comm_,
                             stream_.get());
    });
    begun_.push_back(t.detach());
  }

  void finish_all_reduces() override {
    if (!begun_.empty()) hold_compute();
  }

  Tensor all_gather(const Tensor& rows, const std::vector<std::int64_t>& row_counts) override {
    const std::vector<std::int64_t> counts = gather_counts(*this, rows, row_counts);
    std::int64_t total = 0;
    bool even = true;
    for (std::int64_t n : counts) {
      total += n;
      even &= n == counts[0];
    }
    const Tensor all(with_rows(rows.shape(), total), rows.dtype(), rows.device());
    if (all.numel() == 0) return all;
    const ncclDataType_t type = type_of(rows.dtype());
    enqueue("all_gather", rows, [&] {
      if (even)
        return api_.all_gather(rows.raw(), all.raw(), std::size_t(rows.numel()), type, comm_, stream_.get());
      return in_group([&](auto call) {
        std::int64_t first = 0;
        for (int r = 0; r < size_; ++r) {
          const std::int64_t n = counts[std::size_t(r)];
          if (n == 0) continue;
          const Tensor part = all.slice(first, n);
          call(api_.broadcast(r == rank_ ? rows.raw() : part.raw(), part.raw(), std::size_t(part.numel()),
                              type, r, comm_, stream_.get()));
          first += n;
        }
      });
    });
    hold_compute();
    return all;
  }

  Tensor reduce_scatter_sum(const Tensor& rows) override {
    require(rows.shape().rank() >= 1 && rows.dim(0) % size_ == 0, "reduce_scatter: the tensor is ",
            rows.shape(), ", expected rows that ", size_, " ranks can share");
    const Tensor own(with_rows(rows.shape(), rows.dim(0) / size_), rows.dtype(), rows.device());
    if (own.numel() == 0) return own;
    enqueue("reduce_scatter", rows, [&] {
      return api_.reduce_scatter(rows.raw(), own.raw(), std::size_t(own.numel()), type_of(rows.dtype()),
                                 ncclSum, comm_, stream_.get());
    });
    hold_compute();
    return own;
  }

  void broadcast(const Tensor& t, int from_rank) override {
    require(from_rank >= 0 && from_rank < size_, "broadcast: rank ", from_rank, " of ", size_);
    if (t.numel() == 0) return;
    enqueue("broadcast", t, [&] {
      return api_.broadcast(t.raw(), t.raw(), std::size_t(t.numel()), type_of(t.dtype()), from_rank, comm_,
                            stream_.get());
    });
    hold_compute();
  }

  // NCCL has no barrier: this is an all-reduce that the host waits for.
  void barrier() override {
    host_waits("barrier");
    enqueue("barrier", flag_, [&] {
      return api_.all_reduce(flag_.raw(), flag_.raw(), 1, ncclInt32, ncclSum, comm_, stream_.get());
    });
    hold_compute();
    for (int turn = 0;; pause(turn++)) {
      const bool passed = cuda_.event_passed(after_.get());
      const std::lock_guard lock(mutex_);
      require_communicator();  // the event also passes when the watchdog has aborted
      if (passed) return;
    }
  }

  void abort(const std::string& why) noexcept override {
    const std::lock_guard lock(mutex_);
    give_up(std::make_exception_ptr(RankError(why)));
  }

 private:
  using EventOwner = std::unique_ptr<CUevent_st, void (*)(CUevent_st*) noexcept>;
  EventOwner make_event() const { return {cuda_.make_event(device_.index), cuda_.destroy_event}; }

  std::string here() const { return concat_text("rank ", rank_, " of ", size_, ": "); }

  // NCCL's own rendezvous: every rank derives the same id from NCCL_COMM_ID, and rank 0 listens at that
  // address.
  std::string meeting_point() const {
    if (size_ > 1 && std::getenv("NCCL_COMM_ID") == nullptr) {
      const char *address = std::getenv("MASTER_ADDR"), *port = std::getenv("MASTER_PORT");
      if (address == nullptr || port == nullptr)
        throw UsageError(here() +
                         "NCCL's ranks meet at NCCL_COMM_ID (host:port), or at MASTER_ADDR and "
                         "MASTER_PORT + 1, as torchrun sets them; none of these is set");
      int number = 0;
      const char* end = port + std::strlen(port);
      if (std::from_chars(port, end, number).ptr != end || number < 1 || number > 65534)
        throw UsageError(concat_text(here(), "MASTER_PORT is \"", port, "\", expected 1 to 65534"));
      const std::string host = address;
      const bool ipv6 = host.find(':') != std::string::npos && host[0] != '[';
      const std::string place = (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(number + 1);
      setenv("NCCL_COMM_ID", place.c_str(), 1);
    }
    ncclUniqueId id;
    const ncclResult_t status = api_.get_unique_id(&id);
    if (status != ncclSuccess) std::rethrow_exception(error(status, "ncclGetUniqueId"));
    return {id.internal, sizeof id.internal};
  }

  // RankError (exit code 75: retry) if the cause is another rank or the network.
  std::exception_ptr error(ncclResult_t status, const std::string& what) const {
    const char* more = api_.last_error(comm_);
    const std::string line =
        concat_text(here(), what, ": NCCL: ", api_.error_string(status),
                    more != nullptr && *more != '\0' ? concat_text(" (", more, ")") : "");
    if (status == ncclRemoteError || status == ncclSystemError)
      return std::make_exception_ptr(RankError(line));
    return std::make_exception_ptr(std::runtime_error(line));
  }
  std::exception_ptr late(const std::string& what) const {
    return std::make_exception_ptr(RankError(
        concat_text(here(), what, ": the other ranks did not join within ", timeout_.count(), " s")));
  }

  // The caller of the functions below holds the mutex.

  void require_communicator() const {
    if (comm_ == nullptr) std::rethrow_exception(lost_);
  }

  void give_up(std::exception_ptr why) noexcept {
    if (comm_ == nullptr) return;
    api_.abort(comm_);  // its status does not matter, the communicator is not used again
    comm_ = nullptr;
    lost_ = std::move(why);
  }

  static void pause(int turn) {
    if (turn < 1000)
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(std::chrono::microseconds(100));
  }

  bool is_late(Clock::time_point since) const {
    return timeout_.count() > 0 && Clock::now() - since > timeout_;
  }

  // Waits until NCCL has finished a call; `what` returns the text that names it.
  template <class What>
  void settle(std::unique_lock<std::mutex>& lock, ncclResult_t status, What what) {
    const auto start = Clock::now();
    for (int turn = 0; is_good(status); ++turn) {
      ncclResult_t state = ncclSuccess;
      status = api_.get_async_error(comm_, &state);
      if (status == ncclSuccess) status = state;
      if (status == ncclSuccess) return;
      if (status != ncclInProgress) break;
      if (is_late(start)) {
        give_up(late(what()));
        require_communicator();
      }
      lock.unlock();
      pause(turn);
      lock.lock();
      require_communicator();
    }
    const std::exception_ptr why = error(status, what());
    give_up(why);
    std::rethrow_exception(why);
  }

  template <class F>
  void enqueue(const char* name, const Tensor& t, F call) {
    require(t.device() == device_, name, ": the tensor is on ", t.device(), ", the communicator on ",
            device_);
    if (kernels::LaunchLog* log = kernels::launch_log()) log->add(name, t.raw(), t.numel(), t.dtype());
    std::unique_lock lock(mutex_);
    require_communicator();
    const kernels::CudaStream stream{stream_.get()};
    cuda_.record_event(before_.get(), compute_);
    cuda_.hold_for_event(before_.get(), stream);
    const Asked asked{name, t.dtype(), t.shape()};
    settle(lock, call(), [&] { return asked.text(); });
    cuda_.record_event(after_.get(), stream);
    if (cuda_.is_capturing(compute_))
      return;  // nothing runs during capture, and a captured event cannot be queried
    if (watched_)
      latest_ = asked;
    else
      watch_for(asked);
  }

  void watch_for(const Asked& asked) {
    cuda_.record_event(watched_event_.get(), {stream_.get()});
    watched_ = asked;
    watched_since_ = Clock::now();
  }

  // Later work on the compute stream waits for all collectives so far.
  void hold_compute() {
    cuda_.hold_for_event(after_.get(), compute_);
    begun_.clear();
  }

  // Groups several NCCL calls into one operation. f(call) calls call(status) for each of them.
  template <class F>
  ncclResult_t in_group(F f) {
    ncclResult_t first_bad = api_.group_start();
    if (!is_good(first_bad)) return first_bad;
    f([&](ncclResult_t status) {
      if (is_good(first_bad) && !is_good(status)) first_bad = status;
    });
    const ncclResult_t end = api_.group_end();
    return is_good(first_bad) ? end : first_bad;
  }

  void watch() noexcept {
    std::unique_lock lock(mutex_);
    try {
      cuda_.use_device(device_.index);
      while (!stopped_.wait_for(lock, watch_every_, [this] { return stop_; })) {
        if (comm_ == nullptr) return;
        ncclResult_t state = ncclSuccess, status = api_.get_async_error(comm_, &state);
        if (status == ncclSuccess) status = state;
        if (!is_good(status))
          return give_up(error(status, watched_ ? watched_->text() : "between collectives"));
        if (!watched_) continue;
        if (is_late(watched_since_) && !cuda_.event_passed(watched_event_.get()))
          return give_up(late(watched_->text()));
        if (!cuda_.event_passed(watched_event_.get()) || cuda_.is_capturing({stream_.get()})) continue;
        watched_.reset();
        if (latest_) watch_for(*latest_);
        latest_.reset();
      }
    } catch (...) {  // the CUDA runtime: a kernel of this rank has failed
      give_up(std::current_exception());
    }
  }

  const NcclApi& api_;
  const StreamCalls& cuda_;
  const Device device_;
  const int rank_, size_;
  const std::chrono::duration<double> timeout_, watch_every_;
  const kernels::CudaStream compute_;
  const std::unique_ptr<CUstream_st, void (*)(CUstream_st*) noexcept> stream_;
  const EventOwner before_, after_, watched_event_;
  const Tensor flag_;  // reduced by barrier()
  const int exceptions_;
  std::vector<Tensor> begun_;

  std::mutex mutex_;  // guards the members below
  std::condition_variable stopped_;
  ncclComm_t comm_ = nullptr;     // null after an abort
  std::exception_ptr lost_;       // the reason for it
  std::optional<Asked> watched_;  // the collective that the watchdog waits for
  std::optional<Asked> latest_;   // the newest collective since then: the watchdog waits for it next
  Clock::time_point watched_since_;
  bool stop_ = false;
  std::thread watch_;
};

}  // namespace

std::unique_ptr<Communicator> join_nccl(const NcclRank& r, const NcclApi& api, const StreamCalls& cuda) {
  require(r.rank >= 0 && r.rank < r.size, "NCCL: rank ", r.rank, " of ", r.size);
  return std::make_unique<Nccl>(r, api, cuda);
}

}  // namespace engine
#endif
