// Work on many images by several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace data {

// Calls f(i, thread) for every i < count, on `threads` threads at the same time; the caller is thread 0. The
// first exception of f, or that a thread can't be started, ends the work, and is thrown when all have ended.
void for_each_image(std::size_t count, int threads, const std::function<void(std::size_t, int)>& f);

}  // namespace data
