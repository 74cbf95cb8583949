#include "data/loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <iterator>
#include <limits>
#include <mutex>
#include <new>
#include <numeric>
#include <system_error>
#include <thread>
#include <utility>

#include "data/no_thread.h"
#include "data/second_views.h"
#include "engine/error.h"
#include "engine/memory/failed_allocation.h"
#include "engine/random.h"

namespace data {

using engine::DataError;
using engine::require;

std::vector<std::uint32_t> permutation(std::size_t size, std::uint64_t seed, std::uint32_t epoch) {
  require(size <= std::numeric_limits<std::uint32_t>::max(), "permutation: ", size,
          " samples, expected fewer than 2^32");
  std::vector<std::uint32_t> order(size);
  std::iota(order.begin(), order.end(), 0U);
  // the last two words separate these random numbers from those keyed by (seed, epoch, sample, view)
  engine::Random random(seed, epoch, ~0U, ~0U);
  engine::shuffle(order, random);
  return order;
}

namespace {

// Images per task of a thread.
constexpr int chunk = 8;

// A batch in preparation.
struct Job {
  Batch batch;
  std::vector<Image> images;
  std::vector<std::string> skipped;  // by row: the error of the image that was replaced, or ""
  int taken = 0;                     // images in progress or done
  int done = 0;
  bool ready = false;
  int error_row = -1;  // the first row that failed, so that the error does not depend on the threads
  std::string error;
  std::exception_ptr failure;  // of the program, not of an image: no memory
};

void note_error(Job& job, int row, std::string message) {
  if (job.error_row >= 0 && job.error_row <= row) return;
  job.error_row = row;
  job.error = std::move(message);
}

// Decodes what is needed of the image of a sample. Returns the error, or "".
std::string read_sample(const Dataset& dataset, const LoaderOptions& options, std::int64_t epoch,
                        std::uint32_t sample, Image& into) {
  try {
    if (options.part)
      dataset.read_part(
          sample,
          [&](int height, int width) { return options.part(std::uint32_t(epoch), sample, height, width); },
          into);
    else
      dataset.read(sample, into);
    if (into.height > 0 && into.width > 0 &&
        into.pixels.size() == std::size_t(into.height) * std::size_t(into.width) * 3)
      return {};
    return engine::concat_text(dataset.name(sample), ": ", into.pixels.size(), " bytes for ", into.height,
                               " x ", into.width, " pixels, expected ", 3LL * into.height * into.width,
                               " (RGB)");
  } catch (const DataError& error) {
    return error.what();
  }
}

// Replacements tried for a bad image. If half of all images are bad, one row in 65,536 finds none.
constexpr int most_replacements = 16;

// Decodes the image of a row, or a replacement. Returns the error if there is none, else "".
std::string decode_row(const Dataset& dataset, const LoaderOptions& options, Job& job, int row) {
  const engine::Making making("the pixels of an image");
  const auto r = std::size_t(row);
  std::uint32_t& sample = job.batch.samples[r];
  try {
    const auto read = [&] { return read_sample(dataset, options, job.batch.epoch, sample, job.images[r]); };
    const std::string wrong = read();
    if (wrong.empty() || options.bad_images == BadImages::stop) return wrong;
    // The replacement is the same in each epoch, as in a Resident. The last word separates these random
    // numbers from those of the views.
    engine::Random random(options.seed, 0, sample, ~0U);
    bool found = false;
    for (int i = 0; i < most_replacements && !found; ++i) {
      sample = random.below(std::uint32_t(dataset.size()));
      found = read().empty();
    }
    if (!found)
      return wrong + " (and none of " + std::to_string(most_replacements) +
             " drawn in its place can be read)";
    job.batch.labels[r] = dataset.label(sample);
    job.skipped[r] = wrong;
    return {};
  } catch (const std::bad_alloc&) {
    throw;  // it is not the image's fault
  } catch (const std::exception& error) {
    return dataset.name(sample) + ": " + error.what();
  }
}

// Concatenates the images.
void assemble(Job& job) {
  const engine::Making making("the pixels of a batch");
  Batch& batch = job.batch;
  std::int64_t bytes = 0;
  batch.offset.clear();
  batch.height.clear();
  batch.width.clear();
  batch.source.clear();
  for (const Image& image : job.images) {
    batch.offset.push_back(bytes);
    batch.height.push_back(image.height);
    batch.width.push_back(image.width);
    batch.source.push_back(image.source.value_or(Source{image.height, image.width}));
    bytes += std::int64_t(image.pixels.size());
  }
  batch.pixels.resize(std::size_t(bytes));
  for (std::size_t i = 0; i < job.images.size(); ++i) {
    const std::vector<std::uint8_t>& pixels = job.images[i].pixels;
    std::copy(pixels.begin(), pixels.end(), batch.pixels.data() + batch.offset[i]);
  }
  for (std::string& wrong : job.skipped)
    if (!wrong.empty()) batch.skipped.push_back(std::move(wrong));
}

}  // namespace

int batches_ahead(double batch_bytes, int prefetch) {
  constexpr double kBytes = 512e6;
  return int(std::clamp(kBytes / std::max(1.0, batch_bytes), 1.0, double(prefetch)));
}

struct Loader::State {
  std::unique_ptr<const Dataset> kept;  // if the loader owns the data set
  const Dataset& dataset;
  const LoaderOptions options;
  const int rank, ranks;

  // Used by the calling thread only.
  std::int64_t epoch = 0, index = 0;  // the batch that plan() returns next
  std::vector<std::uint32_t> order;   // the permutation of order_epoch
  std::int64_t order_epoch = -1;
  double wait_seconds = 0;

  // Shared, guarded by the mutex. A job's rows belong to the thread that took them.
  std::mutex mutex;
  std::condition_variable work, finished;
  std::deque<std::shared_ptr<Job>> jobs;  // in the order of delivery
  std::vector<Batch> spare;               // for reuse of their memory: new pages cost a third of decoding
  std::vector<Image> spare_images;        // likewise
  std::size_t batch_bytes = 0;            // pixels of the largest batch so far
  bool stop = false;
  std::vector<std::thread> threads;

  State(const Dataset& d, const LoaderOptions& o, const engine::Communicator& c)
      : dataset(d), options(o), rank(c.rank()), ranks(c.size()) {}

  ~State() {
    {
      const std::lock_guard lock(mutex);
      stop = true;
    }
    work.notify_all();
    for (std::thread& thread : threads) thread.join();
  }

  std::int64_t batches_per_epoch() const {
    const auto size = std::int64_t(dataset.size()), batch = std::int64_t(options.batch);
    return options.drop_last ? size / batch : (size + batch - 1) / batch;
  }

  // Makes the job of batch (epoch, index) and advances to the next batch.
  std::shared_ptr<Job> plan() {
    const engine::Making making("a batch");
    auto job = std::make_shared<Job>();
    {
      const std::lock_guard lock(mutex);
      if (!spare.empty()) {
        job->batch = std::move(spare.back());
        spare.pop_back();
      }
    }
    if (job->batch.pixels.device() != options.device) job->batch.pixels = engine::HostBuffer(options.device);
    if (options.shuffle && order_epoch != epoch) {
      order = permutation(dataset.size(), options.seed, std::uint32_t(epoch));
      order_epoch = epoch;
    }
    Batch& batch = job->batch;
    batch.epoch = epoch;
    batch.index = index;
    batch.samples.clear();
    batch.labels.clear();
    batch.skipped.clear();
    batch.second.clear();
    batch.second_places.clear();
    const std::int64_t first = index * options.batch;
    const std::int64_t count = std::min<std::int64_t>(options.batch, std::int64_t(dataset.size()) - first);
    const engine::Shard own = engine::shard(count, rank, ranks);
    std::vector<std::int64_t> rows(std::size_t(own.count), 0);
    std::iota(rows.begin(), rows.end(), own.first);
    if (options.shuffle_second) rows = shuffle_second(batch, count, own, options.seed);
    for (const std::int64_t row : rows) {
      const auto i = std::size_t(first + row);
      const std::uint32_t sample = options.shuffle ? order[i] : std::uint32_t(i);
      batch.samples.push_back(sample);
      batch.labels.push_back(dataset.label(sample));
    }
    if (options.pixels) {
      job->images.resize(batch.samples.size());
      job->skipped.resize(batch.samples.size());
    } else
      job->taken = batch.size();  // nothing to decode
    job->ready = job->images.empty();
    if (++index == batches_per_epoch()) {
      index = 0;
      ++epoch;
    }
    return job;
  }

  // Batches to decode ahead. Until the first one is decoded nothing is known of their size. The lock is held.
  std::size_t ahead() const {
    if (threads.empty() || (options.pixels && batch_bytes == 0)) return 1;
    return std::size_t(batches_ahead(double(batch_bytes), options.prefetch));
  }

  void plan_ahead() {
    for (;;) {
      {
        const std::lock_guard lock(mutex);
        if (jobs.size() >= ahead()) break;
      }
      std::shared_ptr<Job> job = plan();
      const std::lock_guard lock(mutex);
      jobs.push_back(std::move(job));
    }
    work.notify_all();
  }

  // The first job with rows that no thread has taken.
  std::shared_ptr<Job> open_job() const {
    for (const std::shared_ptr<Job>& job : jobs)
      if (job->taken < job->batch.size()) return job;
    return nullptr;
  }

  // Takes rows of a job and decodes them. The lock is held on entry and on return.
  void work_on(const std::shared_ptr<Job>& job, std::unique_lock<std::mutex>& lock) {
    const int first = job->taken, last = std::min(first + chunk, job->batch.size());
    job->taken = last;
    for (int row = first; row < last && !spare_images.empty(); ++row) {
      job->images[std::size_t(row)] = std::move(spare_images.back());
      spare_images.pop_back();
    }
    lock.unlock();
    int row = first;
    std::string error;
    std::exception_ptr failure;
    try {
      for (; row < last && error.empty(); ++row) error = decode_row(dataset, options, *job, row);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (!error.empty()) note_error(*job, row - 1, std::move(error));
    if (failure) job->failure = failure;
    job->done += last - first;
    if (job->done < job->batch.size()) return;
    if (job->error_row < 0 && !job->failure) finish(*job, lock);
    job->ready = true;
    finished.notify_all();
  }

  // The lock is held on entry and on return.
  void finish(Job& job, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    try {
      assemble(job);
      lock.lock();
      std::ranges::move(job.images, std::back_inserter(spare_images));
      batch_bytes = std::max(batch_bytes, job.batch.pixels.size());
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      job.failure = std::current_exception();
    }
  }

  void run_thread() {
    std::unique_lock lock(mutex);
    for (;;) {
      std::shared_ptr<Job> job;
      work.wait(lock, [&] { return stop || (job = open_job()); });
      if (stop) return;
      work_on(job, lock);
    }
  }

  void next(Batch& batch) {
    const auto start = std::chrono::steady_clock::now();
    plan_ahead();
    std::unique_lock lock(mutex);
    const std::shared_ptr<Job> job = jobs.front();
    if (threads.empty()) {
      while (!job->ready) work_on(job, lock);
    } else {
      finished.wait(lock, [&] { return job->ready; });
    }
    wait_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (job->failure) std::rethrow_exception(job->failure);
    if (job->error_row >= 0) throw BadImage(job->error);
    jobs.pop_front();
    std::swap(batch, job->batch);
    spare.push_back(std::move(job->batch));
    lock.unlock();
    if (!threads.empty()) plan_ahead();
  }
};

Loader::Loader(const Dataset& dataset, const LoaderOptions& options, const engine::Communicator& communicator)
    : state_(std::make_unique<State>(dataset, options, communicator)) {
  const int ranks = communicator.size();
  require(options.threads >= 0, "loader: ", options.threads, " threads, expected at least 0");
  require(options.prefetch >= 1, "loader: prefetch ", options.prefetch, ", expected at least 1");
  if (options.batch < ranks)
    throw engine::UsageError(engine::concat_text(
        "loader: batch ", options.batch, ", expected at least one image for each of ", ranks, " ranks"));
  if (batches_per_epoch() < 1)
    throw engine::UsageError(engine::concat_text(
        "loader: ", dataset.size(), " images, expected at least one batch of ", options.batch,
        options.drop_last ? ", as drop_last leaves out a smaller one" : ""));
  try {
    for (int i = 0; i < options.threads; ++i)
      state_->threads.emplace_back([state = state_.get()] { state->run_thread(); });
  } catch (const std::system_error& e) {
    throw no_thread(state_->threads.size() + 1, options.threads, e);
  }
  if (options.threads > 0) state_->plan_ahead();
}

namespace {

const Dataset& given(const std::unique_ptr<const Dataset>& dataset) {
  require(dataset != nullptr, "loader: the data set is null");
  return *dataset;
}

}  // namespace

Loader::Loader(std::unique_ptr<const Dataset> dataset, const LoaderOptions& options,
               const engine::Communicator& communicator)
    : Loader(given(dataset), options, communicator) {
  state_->kept = std::move(dataset);
}

Loader::~Loader() = default;

std::int64_t Loader::batches_per_epoch() const { return state_->batches_per_epoch(); }

void Loader::seek(std::int64_t epoch, std::int64_t index) {
  require(epoch >= 0 && epoch <= std::numeric_limits<std::uint32_t>::max(), "Loader::seek: epoch ", epoch,
          ", expected 0 to 2^32 - 1");
  require(index >= 0 && index < batches_per_epoch(), "Loader::seek: batch ", index, ", expected 0 to ",
          batches_per_epoch() - 1);
  {
    const std::lock_guard lock(state_->mutex);
    state_->jobs.clear();  // a thread that works on one finishes its rows and drops it
  }
  state_->epoch = epoch;
  state_->index = index;
  if (state_->options.threads > 0) state_->plan_ahead();
}

void Loader::next(Batch& batch) { state_->next(batch); }

Batch Loader::next() {
  Batch batch;
  next(batch);
  return batch;
}

double Loader::wait_seconds() const { return state_->wait_seconds; }

}  // namespace data
