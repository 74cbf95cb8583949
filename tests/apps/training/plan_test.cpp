// The plan of a training: steps, epochs and learning rate, from its beginning and from any position with
// other batches, images and lengths.
#include "apps/training/plan.h"

#include <doctest/doctest.h>

using apps::Plan;
using apps::Position;
using apps::ScheduleOptions;

namespace {

bool same_place(const Position& a, const Position& b) {
  return a.step == b.step && a.epoch == b.epoch && a.images == b.images;
}

}  // namespace

TEST_CASE("plan: continued without a change it is the same plan, at every step") {
  for (const ScheduleOptions& o : {ScheduleOptions{.batch = 4, .epochs = 3, .warmup_epochs = 0.5},
                                   ScheduleOptions{.batch = 4, .steps = 20}}) {
    const Plan whole(o, 33, {});  // eight steps an epoch
    for (long begin = 0; begin <= whole.steps; ++begin) {
      const Plan rest(o, 33, whole.position(begin));
      CHECK(rest.steps == whole.steps);
      for (long step = begin; step <= whole.steps; ++step) {
        CHECK(rest.learning_rate(step, 0.3) == whole.learning_rate(step, 0.3));
        CHECK(rest.epoch(step) == whole.epoch(step));
        CHECK(rest.done(step) == whole.done(step));
        CHECK(same_place(rest.position(step), whole.position(step)));
      }
    }
  }
}

TEST_CASE("plan: another batch continues at its next whole batch, and epochs stay the aim") {
  const ScheduleOptions twos{.batch = 2, .epochs = 2}, fours{.batch = 4, .epochs = 2},
      fives{.batch = 5, .epochs = 2};
  const Plan before(twos, 16, {});  // eight steps an epoch
  CHECK(before.steps == 16);
  // one epoch in twos, one in fours
  const Plan halved(fours, 16, before.position(8));
  CHECK(halved.steps == 8 + 4);
  CHECK(halved.epoch(8) == 1);
  CHECK(halved.epoch(12) == 2);
  CHECK(halved.ends_epoch(12));
  // six images of the first epoch: the next whole four begin at image 8
  const Plan aligned(fours, 16, before.position(3));
  CHECK(same_place(aligned.position(3), {3, 0, 8}));
  CHECK(aligned.steps == 3 + 2 + 4);
  // fourteen images: the next whole five begin at image 15, where no five are left: the next epoch
  const Plan next(fives, 16, before.position(7));
  CHECK(same_place(next.position(7), {7, 1, 0}));
  CHECK(next.steps == 7 + 3);
  CHECK(same_place(next.position(8), {8, 1, 5}));
  // and on from there it is the same plan again
  const Plan again(fives, 16, next.position(8));
  CHECK(again.steps == next.steps);
  CHECK(again.learning_rate(8, 1) == next.learning_rate(8, 1));
}

TEST_CASE("plan: the learning rate follows the share of the epochs, for any batch") {
  const ScheduleOptions twos{.batch = 2, .epochs = 4, .warmup_epochs = 1},
      fours{.batch = 4, .epochs = 4, .warmup_epochs = 1};
  const Plan before(twos, 16, {}), after(fours, 16, before.position(16));
  CHECK(after.learning_rate(16, 1) == doctest::Approx(before.learning_rate(16, 1)));
  CHECK(after.done(16) == 0.5);
  CHECK(after.steps == 16 + 8);
  CHECK(after.learning_rate(after.steps, 1) == 0);
}

TEST_CASE("plan: --steps is the number of all steps, with any batch") {
  const Plan before({.batch = 2, .steps = 20}, 16, {}), after({.batch = 4, .steps = 20}, 16, {10, 1, 4});
  CHECK(before.steps == 20);
  CHECK(after.steps == 20);
  CHECK(after.done(10) == 0.5);
  CHECK(after.learning_rate(20, 1) == 0);
}

TEST_CASE("plan: a longer schedule is that of a training which was as long from its beginning") {
  const ScheduleOptions o{.batch = 4, .epochs = 3, .warmup_epochs = 0.5};
  const Plan whole(o, 32, {}), longer(o, 32, {.step = 16, .epoch = 2});
  CHECK(longer.steps == 24);
  for (long step = 16; step <= 24; ++step)
    CHECK(longer.learning_rate(step, 1) == whole.learning_rate(step, 1));
}

TEST_CASE("plan: fewer images than were seen of the epoch: the next epoch") {
  const Plan plan({.batch = 4, .epochs = 3}, 8, {.step = 11, .epoch = 1, .images = 12});
  CHECK(same_place(plan.position(11), {11, 2, 0}));
  CHECK(plan.steps == 11 + 2);
}

TEST_CASE("plan: a warm-up that is longer than the training is named") {
  const ScheduleOptions fits{.batch = 4, .epochs = 3, .warmup_epochs = 3},
      cut{.batch = 4, .epochs = 3, .warmup_epochs = 4.5};
  const ScheduleOptions shorter{.batch = 4, .epochs = 3, .warmup_epochs = 2.75};
  CHECK(apps::warmup_warning(shorter, Plan(shorter, 32, {})) == "");
  CHECK(apps::warmup_warning(fits, Plan(fits, 32, {})) ==
        "the warm-up of 3 epochs takes the whole of the training of 3 epochs: the learning rate rises until "
        "the "
        "last step; --warmup-epochs auto chooses it by the length");
  CHECK(
      apps::warmup_warning(cut, Plan(cut, 32, {})) ==
      "the warm-up of 4.5 epochs is longer than the training of 3 epochs: the learning rate rises until the "
      "last step; --warmup-epochs auto chooses it by the length");
}

TEST_CASE("plan: the warm-up is a tenth of the training by default, and at most ten epochs") {
  const auto warmup = [](int epochs) { return Plan({.batch = 4, .epochs = epochs}, 40, {}).warmup_steps; };
  CHECK(warmup(5) == 5);
  CHECK(warmup(50) == 50);
  CHECK(warmup(100) == 100);
  CHECK(warmup(800) == 100);
  CHECK(Plan({.batch = 4, .steps = 30}, 40, {}).warmup_steps == 3);
}
