// Random orders of threads and blocks: xorshift64, seeded by (order seed, number of the block).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace kernels::simt {

class RandomOrder {
 public:
  explicit RandomOrder(std::uint64_t seed = 1, std::uint64_t stream = 0)
      : state_(seed * 0x9e3779b97f4a7c15u + stream * 0xd1b54a32d192ed03u) {
    if (!state_) state_ = 1;
    for (int i = 0; i < 8; ++i) below(1);
  }

  unsigned below(unsigned n) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<unsigned>(state_ >> 32) % n;
  }

  void shuffle(std::vector<unsigned>& values) {
    for (unsigned i = static_cast<unsigned>(values.size()); i-- > 1;)
      std::swap(values[i], values[below(i + 1)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace kernels::simt
