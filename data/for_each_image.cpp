#include "data/for_each_image.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "data/no_thread.h"

namespace data {

void for_each_image(std::size_t count, int threads, const std::function<void(std::size_t, int)>& f) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;  // of failed
  std::exception_ptr failed;
  const auto fail = [&](const std::exception_ptr& error) {
    const std::lock_guard lock(mutex);
    if (!failed) failed = error;
    next = count;  // the other threads have nothing left to do
  };
  const auto work = [&](int thread) {
    try {
      for (std::size_t i; (i = next++) < count;) f(i, thread);
    } catch (...) {
      fail(std::current_exception());
    }
  };
  std::vector<std::thread> others;
  others.reserve(std::size_t(threads));
  try {
    for (int t = 1; t < threads; ++t) others.emplace_back(work, t);
    work(0);
  } catch (const std::system_error& e) {
    fail(std::make_exception_ptr(no_thread(others.size() + 2, threads, e)));
  }
  for (std::thread& thread : others) thread.join();
  if (failed) std::rethrow_exception(failed);
}

}  // namespace data
