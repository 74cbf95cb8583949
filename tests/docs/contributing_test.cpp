// The op that CONTRIBUTING.md adds, compiled from the page's text: its gradient, and its entries in both
// catalogues.
#include <doctest/doctest.h>

#include "engine/check/gradcheck.h"
#include "engine/ops.h"

using namespace engine;

TEST_CASE("the op of CONTRIBUTING.md passes its card at both block sizes") {
  int cards = 0;
  for (const OpCase& c : OpCase::all()) {
    if (std::string(c.name) != "square") continue;
    ++cards;
    for (const Threads threads : {Threads::host, Threads::gpu}) {
      cpu_threads() = threads;
      for (const Shape& shape : c.check) {
        const GradcheckResult r = gradcheck(c, shape, 1);
        CHECK_MESSAGE(!r.failure, (r.failure ? r.failure->text() : ""));
        CHECK(r.entries == shape.numel() * shape.numel());
      }
    }
    cpu_threads() = Threads::host;
  }
  CHECK(cards == 1);
  CHECK(square(from_vector({2}, {3, -4}, DType::f64)).to_vector() == std::vector<double>{9, 16});
}
