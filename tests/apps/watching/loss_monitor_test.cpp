// The warning that nothing has been learned, on synthetic loss curves.
#include "apps/watching/loss_monitor.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "apps/watching/trend.h"
#include "engine/random.h"
#include "tests/support/small_cifar.h"

namespace {

constexpr double kChance = 3.433987;  // ln(2 * 16 - 1)

// The step of the warning, 0 if there was none. Epochs have 4 steps.
long warned_at(int epochs, double warmup_epochs, const std::function<double(double epoch)>& curve,
               double noise = 0.004) {
  const Scratch scratch;
  apps::PretrainOptions o;
  o.data = small_cifar(scratch, "images", 64, 16);
  o.batch = 16;
  o.epochs = epochs;
  o.warmup_epochs = warmup_epochs;
  const auto dataset = data::open_dataset(o.data, data::Split::pretrain);
  const apps::Plan plan(o, *dataset, o.data);
  REQUIRE(plan.steps_per_epoch == 4);
  apps::LossMonitor monitor(plan, models::describe_method(o, o.batch));
  engine::Random random(7);
  long warned = 0;
  for (long step = 1; step <= plan.steps; ++step) {
    const std::string said = monitor({.step = step,
                                      .epoch = plan.epoch(step),
                                      .loss = curve(plan.epoch(step)) + noise * random.normal(),
                                      .gradient_norm = 1});
    if (said.empty()) continue;
    CAPTURE(said);
    CHECK(warned == 0);  // once
    CHECK(said.find("nothing has been learned yet; try another --lr") != std::string::npos);
    warned = step;
  }
  return warned;
}

double flat(double /*epoch*/) { return kChance; }

TEST_CASE("a loss that stays at chance: warned of after the warm-up and one epoch") {
  CHECK(warned_at(20, 5, flat) == 24);
  CHECK(warned_at(40, 10, flat) == 44);
  CHECK(warned_at(20, 0, flat) == 8);  // not at 4: too few losses to say that they don't fall
  CHECK(warned_at(5, 5, flat) == 0);   // it ends with its warm-up
  // below chance before training, and at chance soon after
  CHECK(warned_at(20, 2, [](double e) { return kChance - 0.3 * std::exp(-3 * e); }) == 12);
}

TEST_CASE("a loss that has been falling: never warned of") {
  // slowly, and still within 1 % of chance at the end
  CHECK(warned_at(100, 10, [](double e) { return kChance * (1.005 - 0.0003 * e); }) == 0);
  // after a rise at the begin of the warm-up
  CHECK(warned_at(60, 10, [](double e) { return kChance * (e < 3 ? 1 + 0.003 * e : 1.012 - 0.001 * e); }) ==
        0);
  // quickly, below chance soon
  CHECK(warned_at(30, 3, [](double e) { return kChance * (0.6 + 0.4 * std::exp(-0.3 * e)); }) == 0);
  // from above chance
  CHECK(warned_at(40, 4, [](double e) { return kChance * (1 + 0.2 * std::exp(-0.05 * e)); }) == 0);
}

// How many of 200 noisy series of this length fall.
int fall(long n, const std::function<double(double)>& curve) {
  int falling = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    apps::Trend trend;
    engine::Random random(seed);
    for (long i = 0; i < n; ++i) trend.add(curve(double(i) / double(n)) + 0.1 * random.normal());
    CHECK(trend.count() == n);
    falling += trend.falls();
  }
  return falling;
}

TEST_CASE("trend: a falling series is told from noise and from a rising one") {
  for (const long n : {0L, 1L, 2L, 3L}) CHECK(fall(n, [](double x) { return -x; }) == 0);
  for (const long n : {20L, 63L, 64L, 65L, 1000L}) {
    CAPTURE(n);
    CHECK(fall(n, [](double x) { return 1 - x; }) == 200);
    CHECK(fall(n, [](double) { return 1.0; }) <= 10);  // two tests at 1 %
    CHECK(fall(n, [](double x) { return x; }) == 0);
  }
  CHECK(fall(1000, [](double x) { return x < 0.3 ? 5 * x : 1.5 - x; }) == 200);  // rises first
  CHECK(fall(10'000, [](double x) { return 1 - 0.02 * x; }) >= 195);             // less than the noise
  CHECK(fall(1000, [](double) { return std::nan(""); }) == 0);
}

}  // namespace
