#include "engine/random.h"

#include <cmath>
#include <numbers>

namespace engine {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t(0xD2511F53u) * c[0], b = std::uint64_t(0xCD9E8D57u) * c[2];
    c = {std::uint32_t(b >> 32) ^ c[1] ^ k[0], std::uint32_t(b), std::uint32_t(a >> 32) ^ c[3] ^ k[1],
         std::uint32_t(a)};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

std::uint32_t Random::bits() {
  if (used_ == 4) {
    block_ = philox(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[std::size_t(used_++)];
}

double Random::uniform() { return bits() * 0x1p-32; }
double Random::uniform(double low, double high) { return low + (high - low) * uniform(); }

double Random::normal() {
  const double u = (bits() + 1.0) * 0x1p-32, v = uniform();  // u in (0, 1]: its logarithm is finite
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

std::uint32_t Random::below(std::uint32_t n) {  // Lemire 2019: multiply, reject the biased remainder
  std::uint64_t product = std::uint64_t(bits()) * n;
  if (std::uint32_t(product) < n) {
    const std::uint32_t threshold = -n % n;
    while (std::uint32_t(product) < threshold) product = std::uint64_t(bits()) * n;
  }
  return std::uint32_t(product >> 32);
}

}  // namespace engine
