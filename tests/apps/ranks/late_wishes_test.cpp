// Stopping and saving are decided alike on all ranks: any rank may stop, the first one says when to save.
#include "apps/ranks/late_wishes.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "tests/support/ranks.h"

namespace {

using Answers = std::vector<std::pair<int, bool>>;  // {stop, save} of each call

// wishes: of (rank, call). The answers are checked to be the same on all ranks.
template <class Wish>
Answers answers_of(int ranks, int calls, Wish wish) {
  std::vector<Answers> all(std::size_t(ranks), Answers{});
  on_ranks(ranks, [&](engine::Communicator& c) {
    apps::LateWishes late(c);
    for (int call = 0; call < calls; ++call) {
      const apps::Wishes w = late(wish(c.rank(), call));
      all[std::size_t(c.rank())].emplace_back(w.stop, w.save);
    }
  });
  for (const Answers& a : all) CHECK(a == all[0]);
  return all[0];
}

}  // namespace

TEST_CASE("late wishes: a single rank gets its own at once") {
  const auto answers = answers_of(1, 3, [](int, int call) {
    return apps::Wishes{call == 2 ? 75 : 0, call == 1};
  });
  CHECK(answers == Answers{{0, false}, {0, true}, {75, false}});
}

TEST_CASE("late wishes: all ranks get them in the next call") {
  for (const int ranks : {2, 3, 8}) {
    CAPTURE(ranks);
    const auto stop_of_last = [&](int rank, int call) {
      return apps::Wishes{rank == ranks - 1 && call == 1 ? 130 : 0};
    };
    CHECK(answers_of(ranks, 3, stop_of_last) == Answers{{0, false}, {0, false}, {130, false}});
    const auto stop_of_all = [](int, int call) { return apps::Wishes{call == 0 ? 75 : 0}; };
    CHECK(answers_of(ranks, 2, stop_of_all) == Answers{{0, false}, {75, false}});
    const auto different = [](int rank, int) { return apps::Wishes{rank == 1 ? 130 : 75}; };
    CHECK(answers_of(ranks, 2, different) == Answers{{0, false}, {130, false}});
    const auto save_of_first = [](int rank, int call) { return apps::Wishes{0, rank == 0 && call == 0}; };
    CHECK(answers_of(ranks, 3, save_of_first) == Answers{{0, false}, {0, true}, {0, false}});
    const auto save_of_others = [](int rank, int) { return apps::Wishes{0, rank != 0}; };
    CHECK(answers_of(ranks, 2, save_of_others) == Answers{{0, false}, {0, false}});
    const auto both_of_all = [](int, int) { return apps::Wishes{75, true}; };
    CHECK(answers_of(ranks, 2, both_of_all) == Answers{{0, false}, {75, true}});
  }
}
