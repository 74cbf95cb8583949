#include "engine/pool.h"

#include <algorithm>
#include <iterator>

namespace engine {

void Pool::insert_free(char* at, std::size_t bytes) {
  free_.emplace(at, bytes);
  by_size_.emplace(bytes, at);
}

void Pool::erase_free(Free::iterator block) {
  by_size_.erase({block->second, block->first});
  free_.erase(block);
}

void* Pool::allocate(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes = std::max((bytes + kAlignment - 1) / kAlignment, std::size_t(1)) * kAlignment;
  auto fit = by_size_.lower_bound({bytes, nullptr});
  if (fit == by_size_.end()) {
    constexpr std::size_t kChunk = std::size_t(64) << 20;
    const std::size_t chunk = (bytes + kChunk - 1) / kChunk * kChunk;
    char* const fresh = static_cast<char*>(grow_(chunk));
    chunk_starts_.insert(fresh);
    insert_free(fresh, chunk);
    fit = by_size_.lower_bound({bytes, nullptr});
  }
  const auto [size, at] = *fit;
  erase_free(free_.find(at));
  if (size > bytes) insert_free(at + bytes, size - bytes);
  used_.emplace(at, bytes);
  in_use_ += bytes;
  peak_ = std::max(peak_, in_use_);
  return at;
}

void Pool::free(void* pointer) {
  const std::lock_guard lock(mutex_);
  char* at = static_cast<char*>(pointer);
  const auto used = used_.find(at);
  std::size_t bytes = used->second;
  used_.erase(used);
  in_use_ -= bytes;

  const auto next = free_.find(at + bytes);
  if (next != free_.end() && !chunk_starts_.contains(next->first)) {
    bytes += next->second;
    erase_free(next);
  }
  const auto after = free_.lower_bound(at);
  if (after != free_.begin() && !chunk_starts_.contains(at)) {
    const auto before = std::prev(after);
    if (before->first + before->second == at) {
      at = before->first;
      bytes += before->second;
      erase_free(before);
    }
  }
  insert_free(at, bytes);
}

}  // namespace engine
