#include "engine/ranks/mpi_communicator.h"

#ifdef DYAD_MPI
#include <mpi.h>
#include <sys/prctl.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "engine/trace/trace.h"
#include "kernels/base/check.h"

namespace engine {
namespace {

void check(int status, const char* what = "", const char* file = __builtin_FILE(),
           int line = __builtin_LINE()) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0, kind = 0;
  MPI_Error_string(status, text, &length);
  MPI_Error_class(status, &kind);
  std::string said(text, std::size_t(length));
  if (kind == MPI_ERR_INTERN) said += " (Open MPI's word for out of memory too)";
  kernels::fail("MPI", said, what, file, line);
}

// MPI has no bfloat16: a type of two bytes, added in f32 and rounded after each addition.
void add_bf16(void* in, void* inout, int* count, MPI_Datatype*) {
  const auto* a = static_cast<const bf16*>(in);
  auto* sum = static_cast<bf16*>(inout);
  for (int i = 0; i < *count; ++i) sum[i] = bf16(float(sum[i]) + float(a[i]));
}

// A collective in flight.
struct Job {
  const char* name;
  std::int64_t bytes;
  std::function<void(MPI_Request&)> start;
  TraceClock::time_point begun = {};
  MPI_Request request = MPI_REQUEST_NULL;
  std::exception_ptr error;
  bool done = false;
};
using Jobs = std::vector<std::shared_ptr<Job>>;

// One thread makes all MPI calls. It starts non-blocking collectives in the order of submission and polls
// them. An all-reduce therefore progresses while the main thread computes, and MPI needs no locks of its own
// (MPI_THREAD_FUNNELED: this thread is MPI's main thread).
class MpiThread {
 public:
  MpiThread() {
    thread_ = std::thread([this] { run(); });
    wait(submit("start", 0, [](MPI_Request&) {}), 0, "MPI_Init");
  }
  ~MpiThread() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  std::shared_ptr<Job> submit(const char* name, std::size_t bytes, std::function<void(MPI_Request&)> start) {
    auto job = std::make_shared<Job>();
    job->name = name;
    job->bytes = std::int64_t(bytes);
    job->start = std::move(start);
    {
      const std::lock_guard lock(mutex_);
      fresh_.push_back(job);
    }
    changed_.notify_all();
    return job;
  }

  // timeout in seconds; 0: none.
  void wait(const std::shared_ptr<Job>& job, double timeout, const std::string& what) {
    std::unique_lock lock(mutex_);
    const auto over = [&] { return job->done || abandoned_; };
    if (timeout <= 0) {
      changed_.wait(lock, over);
    } else if (!changed_.wait_for(lock, std::chrono::duration<double>(timeout), over)) {
      abandoned_ = true;
      why_ = concat_text(what, ": no answer from the other ranks within ", timeout, " s");
    }
    if (!job->done) throw RankError(why_);
    if (job->error) std::rethrow_exception(job->error);
  }

  // Collectives that are under way are left as they are, and the memory that they use may be freed.
  void abandon(const std::string& why) {
    {
      const std::lock_guard lock(mutex_);
      if (!abandoned_) why_ = why;
      abandoned_ = true;
    }
    changed_.notify_all();
  }

  // Of MPI_COMM_WORLD. Blocking collectives use `in_order`, overlapped ones `beside`: on one communicator
  // every rank would have to start both kinds in the same order.
  int rank = 0, size = 0;
  MPI_Comm in_order = MPI_COMM_NULL, beside = MPI_COMM_NULL;
  MPI_Datatype bf16_type = MPI_DATATYPE_NULL;
  MPI_Op bf16_sum = MPI_OP_NULL;

 private:
  void initialize() {
    int provided = 0;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    require(provided >= MPI_THREAD_FUNNELED,
            "MPI: the library does not support threads, expected MPI_THREAD_FUNNELED");
    check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    check(MPI_Comm_dup(MPI_COMM_WORLD, &in_order));
    check(MPI_Comm_dup(MPI_COMM_WORLD, &beside));
    check(MPI_Comm_rank(in_order, &rank));
    check(MPI_Comm_size(in_order, &size));
    check(MPI_Type_contiguous(2, MPI_BYTE, &bf16_type));
    check(MPI_Type_commit(&bf16_type));
    check(MPI_Op_create(add_bf16, 1, &bf16_sum));
  }

  void finalize() {
    check(MPI_Op_free(&bf16_sum));
    check(MPI_Type_free(&bf16_type));
    check(MPI_Comm_free(&beside));
    check(MPI_Comm_free(&in_order));
    check(MPI_Finalize(), "MPI_Finalize");
  }

  void run() {
    std::exception_ptr failed;
    try {
      initialize();
    } catch (...) {
      failed = std::current_exception();
    }
    Jobs active;
    auto last_progress = std::chrono::steady_clock::now();
    const bool crowded = size > int(std::thread::hardware_concurrency());  // they may all be on this machine
    prctl(PR_SET_TIMERSLACK, 1000);                                        // nanoseconds; 50,000 by default
    for (;;) {
      Jobs fresh;
      {
        std::unique_lock lock(mutex_);
        if (active.empty()) changed_.wait(lock, [this] { return stop_ || abandoned_ || !fresh_.empty(); });
        if (stop_ || abandoned_) break;
        fresh.swap(fresh_);
      }
      for (const auto& job : fresh) start(*job, failed);
      active.insert(active.end(), fresh.begin(), fresh.end());
      const bool progress = finish_done(active) || !fresh.empty();
      // Poll first: a blocking collective is done within microseconds. Then sleep: a long one overlaps with
      // computation, which needs the core.
      const auto now = std::chrono::steady_clock::now();
      if (progress) last_progress = now;
      if (crowded || now - last_progress > std::chrono::microseconds(100))
        std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
    // If a rank is missing, MPI_Finalize would wait for ever. Exiting without it tells the launcher.
    if (!failed && !abandoned_) finalize();
  }

  // failed: why MPI could not be initialized, which then is every job's error.
  static void start(Job& job, const std::exception_ptr& failed) {
    job.error = failed;
    job.begun = TraceClock::now();
    try {
      if (!job.error) job.start(job.request);
    } catch (...) {
      job.error = std::current_exception();
    }
  }

  // A job that failed is done.
  static bool is_done(Job& job) {
    if (job.error || job.request == MPI_REQUEST_NULL) return true;
    try {
      int done = 0;
      check(MPI_Test(&job.request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      return done != 0;
    } catch (...) {
      job.error = std::current_exception();
      return true;
    }
  }

  // Removes the jobs that are done and wakes who waits for them. Returns whether there was one.
  bool finish_done(Jobs& active) {
    bool any = false;
    for (std::size_t i = 0; i < active.size();) {
      const std::shared_ptr<Job> job = active[i];
      if (!is_done(*job)) {
        ++i;
        continue;
      }
      any = true;
      active.erase(active.begin() + std::ptrdiff_t(i));
      add_to_trace(Lane::communication, job->name, job->begun, TraceClock::now(), job->bytes);
      {
        const std::lock_guard lock(mutex_);
        job->done = true;
      }
      changed_.notify_all();
    }
    return any;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Jobs fresh_;
  bool stop_ = false, abandoned_ = false;
  std::string why_;  // it was abandoned
  std::thread thread_;
};

class Mpi : public Communicator {
 public:
  explicit Mpi(double timeout) : timeout_(timeout) {}
  int rank() const override { return mpi_.rank; }
  int size() const override { return mpi_.size; }

  void all_reduce_sum(const Tensor& t) override {
    through_host(t, [&](const Tensor& host) { wait(reduce(host, mpi_.in_order), "all_reduce", t); });
  }

  Tensor all_gather(const Tensor& rows, const std::vector<std::int64_t>& row_counts) override {
    const std::vector<std::int64_t> counts = gather_counts(*this, rows, row_counts);
    std::int64_t total = 0;
    for (std::int64_t n : counts) total += n;
    const Tensor host = rows.detach().to(cpu), all(with_rows(rows.shape(), total), rows.dtype(), cpu);
    const std::int64_t row = total > 0 ? all.numel() / total : 0;
    std::vector<int> elements, places;
    int place = 0;
    for (std::int64_t n : counts) {
      elements.push_back(count(n * row));
      places.push_back(place);
      place += elements.back();
    }
    wait(mpi_.submit("all_gather", all.bytes(),
                     [&](MPI_Request& request) {
                       check(MPI_Iallgatherv(host.raw(), elements[std::size_t(rank())], type(rows.dtype()),
                                             all.raw(), elements.data(), places.data(), type(rows.dtype()),
                                             mpi_.in_order, &request),
                             "MPI_Iallgatherv");
                     }),
         "all_gather", rows);
    return all.to(rows.device());
  }

  Tensor reduce_scatter_sum(const Tensor& rows) override {
    require(rows.shape().rank() >= 1 && rows.dim(0) % size() == 0, "reduce_scatter: the tensor is ",
            rows.shape(), ", expected rows that ", size(), " ranks can share");
    const Tensor host = rows.detach().to(cpu);
    const Tensor own(with_rows(rows.shape(), rows.dim(0) / size()), rows.dtype(), cpu);
    wait(mpi_.submit("reduce_scatter", host.bytes(),
                     [&](MPI_Request& request) {
                       check(MPI_Ireduce_scatter_block(host.raw(), own.raw(), count(own.numel()),
                                                       type(rows.dtype()), sum(rows.dtype()), mpi_.in_order,
                                                       &request),
                             "MPI_Ireduce_scatter_block");
                     }),
         "reduce_scatter", rows);
    return own.to(rows.device());
  }

  void broadcast(const Tensor& t, int from_rank) override {
    require(from_rank >= 0 && from_rank < size(), "broadcast: rank ", from_rank, " of ", size());
    through_host(t, [&](const Tensor& host) {
      wait(mpi_.submit("broadcast", t.bytes(),
                       [&](MPI_Request& request) {
                         check(MPI_Ibcast(host.raw(), count(t.numel()), type(t.dtype()), from_rank,
                                          mpi_.in_order, &request),
                               "MPI_Ibcast");
                       }),
           "broadcast", t);
    });
  }

  void barrier() override {
    mpi_.wait(mpi_.submit("barrier", 0,
                          [&](MPI_Request& request) {
                            check(MPI_Ibarrier(mpi_.in_order, &request), "MPI_Ibarrier");
                          }),
              timeout_, concat_text("rank ", rank(), ": barrier"));
  }

  void begin_all_reduce_sum(const Tensor& t) override {
    if (t.device() != cpu) return all_reduce_sum(t);
    begun_.push_back({t, reduce(t, mpi_.beside)});
  }

  void finish_all_reduces() override {
    for (const auto& [tensor, job] : begun_) wait(job, "all_reduce", tensor);
    begun_.clear();
  }

  void abort(const std::string& why) noexcept override { mpi_.abandon(why); }

 private:
  static int count(std::int64_t n) {
    require(n <= 0x7fffffff, "MPI: a collective of ", n, " elements, expected fewer than 2^31");
    return int(n);
  }
  MPI_Datatype type(DType t) const {
    switch (t) {
      case DType::f32:
        return MPI_FLOAT;
      case DType::f64:
        return MPI_DOUBLE;
      case DType::bf16:
        return mpi_.bf16_type;
      case DType::u8:
        return MPI_UINT8_T;
      case DType::i32:
        return MPI_INT32_T;
      case DType::i64:
        return MPI_INT64_T;
    }
    return MPI_DATATYPE_NULL;
  }
  MPI_Op sum(DType t) const { return t == DType::bf16 ? mpi_.bf16_sum : MPI_SUM; }

  std::shared_ptr<Job> reduce(const Tensor& t, MPI_Comm comm) {
    // The caller keeps the tensor. If the MPI thread released it, addresses would depend on timing.
    return mpi_.submit("all_reduce", t.bytes(),
                       [at = t.raw(), n = count(t.numel()), type = type(t.dtype()), sum = sum(t.dtype()),
                        comm](MPI_Request& request) {
                         check(MPI_Iallreduce(MPI_IN_PLACE, at, n, type, sum, comm, &request),
                               "MPI_Iallreduce");
                       });
  }

  void wait(const std::shared_ptr<Job>& job, const char* what, const Tensor& t) {
    mpi_.wait(job, timeout_, concat_text("rank ", rank(), ": ", what, " of ", t.dtype(), " ", t.shape()));
  }

  template <class F>
  static void through_host(const Tensor& t, F f) {
    const Tensor host = t.detach().to(cpu);
    f(host);
    if (t.device() != cpu) copy_bytes(t.raw(), t.device(), host.raw(), cpu, t.bytes());
  }

  struct Begun {
    Tensor tensor;
    std::shared_ptr<Job> job;
  };
  MpiThread mpi_;
  double timeout_;
  std::vector<Begun> begun_;
};

}  // namespace

bool mpi_is_built_in() { return true; }
std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  check(MPI_Get_library_version(text, &length), "MPI_Get_library_version");
  const std::string all(text, std::size_t(length));
  return all.substr(0, all.find_first_of(",\n"));
}
std::unique_ptr<Communicator> connect_mpi(double timeout) { return std::make_unique<Mpi>(timeout); }

}  // namespace engine

#else

namespace engine {

bool mpi_is_built_in() { return false; }
std::string mpi_version() { return "not built in"; }
std::unique_ptr<Communicator> connect_mpi(double) {
  throw UsageError(
      "several ranks on the CPU device need MPI, and this dyad was built without it "
      "(install libopenmpi-dev and build again)");
}

}  // namespace engine
#endif
