// The loss of chance that is printed, and that the warning about learning nothing compares with.
#include <doctest/doctest.h>

#include <cmath>

#include "apps/run/model.h"
#include "apps/training/train_step.h"
#include "models/methods/methods.h"
#include "tests/support/tiny_training.h"

using namespace engine;

TEST_CASE("the loss of chance is the loss of embeddings that are all alike") {
  const auto check = [](apps::PretrainOptions o) {
    CAPTURE(o.method);
    CAPTURE(o.negatives);
    apps::resolve(o, true);
    const auto method = apps::make_method(o, cpu);
    const auto optimizer = apps::make_optimizer(o, method->parameters);
    apps::TrainStep step(*method, *optimizer, single(), o.batch);
    Phases phases(cpu, false);
    step.schedule(0, 0);
    const Tensor labels({2 * o.batch}, DType::i32, cpu);
    for (int i = 0; i < 2 * o.batch; ++i) labels.data<std::int32_t>()[i] = i % o.batch;
    const double loss = step.launch(zeros({2 * o.batch, 16, 16, 3}, DType::f32, cpu), phases, labels).item();
    const double chance = models::describe_method(o, o.batch).chance_loss;
    CHECK(loss == doctest::Approx(chance).epsilon(1e-5));
  };
  for (const char* kind : {"nt-xent", "decoupled", "dclw", "debiased", "hard", "eqco"}) {
    apps::PretrainOptions o = tiny_step("simclr");
    o.negatives = kind;
    check(o);
  }
  check(tiny_step("supcon"));
  // moco2's queue begins with random keys, so its rows are not alike
  const auto of_queue = [](const std::string& kind) {
    apps::PretrainOptions o = tiny_step("moco2");
    o.negatives = kind;
    return std::exp(models::describe_method(o, o.batch).chance_loss) - double(o.queue);
  };
  for (const char* kind : {"nt-xent", "decoupled", "debiased", "hard", "eqco"}) {
    apps::PretrainOptions o = tiny_step("moco3");
    o.negatives = kind;
    check(o);
    const double more = kind == std::string("decoupled") ? 0 : 1;  // candidates than keys of the queue
    if (kind != std::string("eqco")) CHECK(of_queue(kind) == doctest::Approx(more).epsilon(1e-6));
  }
  CHECK(of_queue("eqco") + double(tiny_step("moco2").queue) == doctest::Approx(65537));
}
