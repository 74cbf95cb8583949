// The pool of memory: reuse, merging, and addresses that repeat.
#include "engine/pool.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using engine::Pool;

namespace {
struct Memory {  // the chunks, freed at the end of the test
  std::vector<std::unique_ptr<char[]>> chunks;
  Pool pool{[this](std::size_t bytes) {
    chunks.emplace_back(new char[bytes + 128]);
    const auto at = reinterpret_cast<std::uintptr_t>(chunks.back().get());
    return reinterpret_cast<void*>((at + 127) / 128 * 128);
  }};
};
}  // namespace

TEST_CASE("the same requests from the same state get the same addresses") {
  Memory m;
  const auto step = [&] {
    std::vector<void*> at;
    for (std::size_t n : {100u, 5000u, 300u, 5000u, 7u}) at.push_back(m.pool.allocate(n));
    m.pool.free(at[1]);
    at.push_back(m.pool.allocate(4000));
    for (std::size_t i : {3u, 0u, 4u, 5u, 2u}) m.pool.free(at[i]);
    return at;
  };
  const auto first = step();
  CHECK(step() == first);
  CHECK(m.pool.in_use() == 0);
  CHECK(m.chunks.size() == 1);
}

TEST_CASE("free neighbours are merged, and blocks do not overlap") {
  Memory m;
  std::vector<void*> at;
  for (int i = 0; i < 64; ++i) at.push_back(m.pool.allocate(std::size_t(1) << 20));  // fills one chunk
  CHECK(m.chunks.size() == 1);
  for (int i = 0; i < 64; i += 2) m.pool.free(at[std::size_t(i)]);
  for (int i = 1; i < 64; i += 2) m.pool.free(at[std::size_t(i)]);
  CHECK(m.pool.allocate(std::size_t(64) << 20) == at[0]);  // all of it in one piece
  CHECK(m.chunks.size() == 1);
}

TEST_CASE("peak and use are counted in bytes") {
  Memory m;
  void* a = m.pool.allocate(1024);
  void* b = m.pool.allocate(2048);
  m.pool.free(a);
  CHECK(m.pool.in_use() == 2048);
  CHECK(m.pool.peak() == 3072);
  m.pool.reset_peak();
  CHECK(m.pool.peak() == 2048);
  m.pool.free(b);
}
