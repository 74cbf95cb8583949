// Parameters: flat buffers in backward order, initial values by name, hashes.
#include "engine/optim/parameters.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace engine;

namespace {
struct Two {
  Tensor first, second, statistics;
  explicit Two(const Scope& s)
      : first(s.matrix("first", {3, 5})),
        second((s / "inner").constant("second", 7, 1)),
        statistics(s.buffer("statistics", 2, 9)) {}
};
}  // namespace

TEST_CASE("values lie in one flat buffer, the last layer first") {
  Parameters p(cpu, DType::f32, 1);
  const Two model = p.build<Two>();
  REQUIRE(p.list().size() == 3);
  CHECK(p.list()[1].name == "inner.second");
  CHECK(p.list()[1].offset == 0);
  CHECK(p.list()[0].offset == 16);  // 7 elements, padded to a cache line
  CHECK(p.trained_count() == 22);
  CHECK(p.values().numel() == 32);
  p.values().data<float>()[2] = 42;
  CHECK(model.second.to_vector()[2] == 42);
}

TEST_CASE("initial values depend on seed and name only") {
  Parameters a(cpu, DType::f32, 1), b(cpu, DType::f32, 1), c(cpu, DType::f32, 2);
  a.build<Two>(), b.build<Two>(), c.build<Two>();
  CHECK(a.hash() == b.hash());
  CHECK(a.hash() != c.hash());
}

TEST_CASE("a filter's deviation is kaiming's fan_out") {
  struct Filter {
    Tensor w;
    explicit Filter(const Scope& s) : w(s.filter("w", {64, 3, 3, 32})) {}
  };
  Parameters p(cpu, DType::f64, 3);
  const auto values = p.build<Filter>().w.to_vector();
  double squares = 0;
  for (double v : values) squares += v * v;
  const double expected = std::sqrt(2.0 / (64 * 9));
  CHECK(std::sqrt(squares / double(values.size())) == doctest::Approx(expected).epsilon(0.02));
}

TEST_CASE("the hash covers parameters and running statistics of a prefix") {
  Parameters p(cpu, DType::f32, 1);
  const Two model = p.build<Two>();
  const auto all = p.hash(), inner = p.hash("inner");
  model.statistics.data<float>()[0] = 1;
  CHECK(p.hash() != all);
  CHECK(p.hash("inner") == inner);
}

TEST_CASE("two parameters of one name are refused") {
  struct Twice {
    explicit Twice(const Scope& s) { s.constant("w", 1, 0), s.constant("w", 1, 0); }
  };
  Parameters p(cpu, DType::f32, 1);
  CHECK_THROWS_WITH(p.build<Twice>(), "Parameters: two are named w");
}

TEST_CASE("parameters of one shape have values of their own") {
  struct Filters {
    Tensor a, b, c;
    explicit Filters(const Scope& s)
        : a(s.filter("a", {4, 3, 3, 2})),
          b(s.filter("b", {4, 3, 3, 2})),
          c((s / "b").filter("a", {4, 3, 3, 2})) {}
  };
  Parameters p(cpu, DType::f64, 3);
  const Filters f = p.build<Filters>();
  const auto a = f.a.to_vector(), b = f.b.to_vector(), c = f.c.to_vector();
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i);
    CHECK(a[i] != b[i]);
    CHECK(a[i] != c[i]);
    CHECK(b[i] != c[i]);
  }
}

TEST_CASE("what a layer or a copy can't mean is refused by name") {
  struct Empty {
    explicit Empty(const Scope& s) { s.matrix("w", {3, 0}); }
  };
  Parameters empty(cpu, DType::f32, 1);
  CHECK_THROWS_WITH(empty.build<Empty>(), "Parameters: w is (3,0), expected extents of at least 1");

  CHECK_THROWS_WITH(leaf(zeros({2}, DType::i32, cpu)),
                    "leaf: a tensor of i32 has no gradient, expected f32, f64 or bf16");
}
