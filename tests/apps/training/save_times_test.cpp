// When checkpoints are due, by steps, by epochs and by time, and that one is not written twice.
#include "apps/training/save_times.h"

#include <doctest/doctest.h>

#include <vector>

namespace {

using apps::SaveTimes;

using std::chrono::minutes;

// Ten images in batches of two: five steps an epoch, three epochs.
const apps::Plan three_epochs({.batch = 2, .epochs = 3}, 10, {});

std::vector<long> steps_that_save(const apps::SaveEvery& every, long first = 0) {
  SaveTimes times(every, three_epochs, first);
  std::vector<long> saved;
  for (long step = first; step <= three_epochs.steps; ++step)
    if (times.due(step)) times.saved(step), saved.push_back(step);
  return saved;
}

}  // namespace

TEST_CASE("save times: steps and epochs") {
  CHECK(steps_that_save({.steps = 4}) == std::vector<long>{4, 8, 12});
  CHECK(steps_that_save({.epochs = 1}) == std::vector<long>{5, 10, 15});
  CHECK(steps_that_save({.epochs = 2}) == std::vector<long>{10});
  CHECK(steps_that_save({.steps = 4, .epochs = 1}) == std::vector<long>{4, 5, 8, 10, 12, 15});
  CHECK(steps_that_save({}).empty());
  CHECK(steps_that_save({.steps = 4}, 8) == std::vector<long>{12});  // step 8 was resumed from
}

TEST_CASE("save times: minutes since the last checkpoint, asked for once") {
  const SaveTimes::Clock::time_point begin{};
  SaveTimes times({.minutes = 10}, three_epochs, 0, begin);
  CHECK_FALSE(times.late(begin + minutes(9)));
  CHECK(times.late(begin + minutes(10)));
  CHECK_FALSE(times.late(begin + minutes(11)));  // the ranks have been asked, and will answer
  CHECK_FALSE(times.has_saved(7));
  times.saved(7, begin + minutes(11));
  CHECK(times.has_saved(7));
  CHECK_FALSE(times.late(begin + minutes(20)));
  CHECK(times.late(begin + minutes(21)));
  SaveTimes never({}, three_epochs, 0, begin);
  CHECK_FALSE(never.late(begin + minutes(100000)));
}
