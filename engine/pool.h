// A pool of memory blocks: best fit, lowest address among equals, neighbours merged when free. Which address
// a request gets depends only on the set of blocks in use, so the same sequence of requests from the same
// state repeats its addresses: what a training step needs to be captured as a CUDA graph.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

namespace engine {

class Pool {
 public:
  // `grow` brings at least so many bytes of fresh memory; it is kept for the rest of the program.
  explicit Pool(std::function<void*(std::size_t)> grow) : grow_(std::move(grow)) {}

  void* allocate(std::size_t bytes);
  void free(void*);
  std::size_t in_use() const { return in_use_; }
  std::size_t peak() const { return peak_; }
  void reset_peak() { peak_ = in_use_; }

 private:
  using Free = std::map<char*, std::size_t>;
  void insert_free(char* at, std::size_t bytes);
  void erase_free(Free::iterator);

  static constexpr std::size_t kAlignment = 128;
  std::function<void*(std::size_t)> grow_;
  std::mutex mutex_;
  Free free_;                                        // by address
  std::set<std::pair<std::size_t, char*>> by_size_;  // the same blocks, for best fit
  std::set<char*> chunk_starts_;                     // blocks of different chunks are never merged
  std::unordered_map<char*, std::size_t> used_;
  std::size_t in_use_ = 0, peak_ = 0;
};

}  // namespace engine
