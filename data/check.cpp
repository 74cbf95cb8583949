#include "data/check.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "engine/error.h"

namespace data {
namespace {

std::int64_t pixels(const Extent& e) { return std::int64_t(e.height) * e.width; }

void note(CheckResult& result, const Image& image) {
  const Extent e{image.height, image.width};
  if (result.formats.empty() || pixels(e) < pixels(result.smallest)) result.smallest = e;
  if (result.formats.empty() || pixels(e) > pixels(result.largest)) result.largest = e;
  ++result.formats[image.format];
  result.turned += image.orientation != 1;
}

// Merges the result of one thread into the total.
void merge(CheckResult& all, const CheckResult& part) {
  if (part.formats.empty()) return;
  if (all.formats.empty() || pixels(part.smallest) < pixels(all.smallest)) all.smallest = part.smallest;
  if (all.formats.empty() || pixels(part.largest) > pixels(all.largest)) all.largest = part.largest;
  for (const auto& [format, count] : part.formats) all.formats[format] += count;
  all.turned += part.turned;
}

}  // namespace

CheckResult check(const Dataset& dataset, int threads, const std::function<void(std::size_t)>& progress) {
  engine::require(threads >= 1, "data check: ", threads, " threads, expected at least 1");
  CheckResult result;
  result.images = dataset.size();
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::map<std::size_t, std::string> broken;
  std::exception_ptr failed;

  const auto work = [&](bool tells) {
    CheckResult part;
    Image image;  // reused, with its memory
    try {
      for (std::size_t i; (i = next++) < dataset.size();) {
        try {
          dataset.read(i, image);
          note(part, image);
        } catch (const engine::DataError& error) {
          const std::lock_guard lock(mutex);
          broken[i] = error.what();
        }
        if (tells && progress) progress(i + 1);
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      failed = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    merge(result, part);
  };
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(work, false);
  work(true);
  for (std::thread& thread : others) thread.join();
  if (failed) std::rethrow_exception(failed);
  for (auto& [i, wrong] : broken) result.broken.push_back(std::move(wrong));
  return result;
}

}  // namespace data
