// The moving average of parameters: which part of a flat buffer it follows, and that its updates can be
// captured.
#include "engine/optim/moving_average.h"

#include <doctest/doctest.h>

#include "engine/memory/host_wait.h"
#include "kernels/base/launch_log.h"

using namespace engine;

namespace {

struct Body {
  Tensor first, second;
  explicit Body(const Scope& s) : first(s.matrix("first", {3, 5})), second(s.constant("second", 7, 1)) {}
};
struct WithHead {
  Body body;
  Tensor head;
  explicit WithHead(const Scope& s) : body(s), head(s.matrix("head", {4, 9})) {}
};
struct Swapped {
  Tensor second, first;
  explicit Swapped(const Scope& s) : second(s.constant("second", 7, 1)), first(s.matrix("first", {3, 5})) {}
};

}  // namespace

TEST_CASE("a network without the last layers of another is the end of its flat buffer") {
  Parameters all(cpu, DType::f64, 1), part(cpu, DType::f64, 2, false);
  const auto online = all.build<WithHead>();
  const auto target = part.build<Body>();
  CHECK(target.first.node() == nullptr);  // no gradient
  CHECK_FALSE(part.gradients().defined());
  const Tensor followed = values_of_part(all, part);
  CHECK(followed.numel() == part.values().numel());
  CHECK(followed.raw() == online.body.second.raw());

  MovingAverage average(followed, part.values());
  const auto before = target.first.to_vector(), x = online.body.first.to_vector();
  average.set_momentum(0.75);
  average.update();
  const auto after = target.first.to_vector();
  for (std::size_t i = 0; i < x.size(); ++i)
    CHECK(after[i] == doctest::Approx(0.75 * before[i] + 0.25 * x[i]).epsilon(1e-14));
}

TEST_CASE("parameters in another order, of another shape or missing are refused") {
  Parameters all(cpu, DType::f64, 1), swapped(cpu, DType::f64, 1), more(cpu, DType::f64, 1);
  all.build<WithHead>(), swapped.build<Swapped>(), more.build<Body>();
  CHECK_THROWS_WITH(values_of_part(all, swapped),
                    "values_of_part: first is 64 elements behind its place in the part, expected 32 as the "
                    "parameters before it");
  CHECK_THROWS_WITH(values_of_part(more, all),
                    "values_of_part: head: expected a parameter of shape (4,9) in both networks");
  const Tensor five = zeros({5}, DType::f64, cpu), six = zeros({6}, DType::f64, cpu);
  CHECK_THROWS_WITH(MovingAverage(five, six),
                    "MovingAverage: values are f64 (5), the average f64 (6), expected the same");
  MovingAverage average(five, five.clone());
  CHECK_THROWS_WITH(average.set_momentum(1.5), "MovingAverage: momentum 1.5, expected 0 to 1");
}

TEST_CASE("updates with different momenta are one equal launch each, and never wait") {
  const Tensor x = full({40}, 2, DType::f32, cpu), y = zeros({40}, DType::f32, cpu);
  MovingAverage average(x, y);
  kernels::LaunchLog logs[2];
  for (int i = 0; i < 2; ++i) {
    const NoHostWait none;
    average.set_momentum(0.5 + 0.1 * i);
    kernels::launch_log() = &logs[i];
    average.update();
    kernels::launch_log() = nullptr;
  }
  CHECK(logs[0].entries.size() == 1);
  CHECK(logs[0].entries == logs[1].entries);
  CHECK(y.to_vector()[0] == doctest::Approx(1.4));
}
