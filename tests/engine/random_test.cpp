// Random numbers: the generator is Philox4x32-10, and the orders that are drawn stay the same, since
// checkpoints depend on them. The expected orders are those of a program of its own, in Python.
#include "engine/random.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <numeric>
#include <vector>

using namespace engine;

namespace {
std::vector<int> up_to(int count) {
  std::vector<int> values(std::size_t(count), 0);
  std::iota(values.begin(), values.end(), 0);
  return values;
}
}  // namespace

TEST_CASE("random: Philox gives the published answers") {  // Salmon et al., Random123's known answers
  CHECK(philox({0, 0, 0, 0}, {0, 0}) ==
        std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
}

TEST_CASE("random: the order that a shuffle draws") {
  Random random(7, 1, 2, 3);
  std::vector<int> values = up_to(12);
  shuffle(values, random);
  CHECK(values == std::vector<int>{9, 5, 7, 11, 4, 3, 8, 2, 6, 1, 10, 0});
  std::vector<int> none;
  shuffle(none, random);
  CHECK(none.empty());
}

TEST_CASE("random: the sample that is drawn to the front") {
  Random random(7, 1, 2, 3);
  std::vector<int> values = up_to(12);
  sample_to_front(values, 5, random);
  CHECK(values == std::vector<int>{0, 11, 3, 9, 6, 5, 4, 7, 8, 2, 10, 1});
}
