// Runs every check of engine/check/card_checks.h on every card; the asan and tsan presets run the same test.
// Each check must also find its kind of bug.
#include <doctest/doctest.h>

#include <cstring>

#include "engine/check/accumulation.h"
#include "engine/check/card_checks.h"
#include "engine/check/gradcheck.h"
#include "kernels/base/check_options.h"

using namespace engine;

namespace {

constexpr std::uint64_t kSeed = 7;

}  // namespace

TEST_CASE("every card passes every check") {
  REQUIRE(!OpCase::all().empty());
  for (const CardCheck& check : card_checks())
    for (const OpCase& c : OpCase::all())
      for (const Shape& shape : c.check) {
        const std::string wrong = check.run(c, shape, kSeed);
        CHECK_MESSAGE(wrong.empty(),
                      check.name << ": " << c.name << " " << concat_text(shape) << ": " << wrong);
      }
}

TEST_CASE("a wrong gradient, a kink and a wrong reference are found") {
  const OpCase wrong{
      .name = "wrong",
      .inputs = [](const Shape& s, Random& r) { return Tensors{leaf(uniform(s, r))}; },
      .apply =
          [](const Tensors& in) {
            const Tensor y = in[0].detach();
            return Tensors{record("wrong", y.clone(), in, [](const Tensor& dy, Gradients& out) {
              Tensor g = dy.clone();
              g.data<double>()[g.numel() - 1] *= 1.001;
              out.give(0, g);
            })};
          },
      .check = {{3}}};
  const GradcheckResult r = gradcheck(wrong, {3}, kSeed);
  REQUIRE(r.failure);
  CHECK(r.failure->element == 2);
  CHECK(r.failure->row == 2);
  CHECK(r.failure->text().find(
            "wrong (3): output 0 element 2, input 0 element 2: analytic 1.001, numeric 1") == 0);

  OpCase reference = wrong;
  reference.reference = [](const Tensors& in) {
    Tensor y = in[0].clone();
    y.data<double>()[0] += 1e-9;
    return Tensors{y};
  };
  REQUIRE(gradcheck(reference, {3}, kSeed).failure);
  CHECK(gradcheck(reference, {3}, kSeed).failure->note == "against the reference");
  const std::string text = gradcheck(reference, {3}, kSeed).failure->text();
  CHECK(text.find("wrong (3): output 0 element 0 is ") == 0);
  CHECK(text.find(", the reference has ") != text.npos);
}

namespace {

// y = x with its gradient; what(y, dy) may corrupt both.
template <class Forward>
OpCase identity(Forward forward, bool in_bf16 = false) {
  return {.name = "spoiled",
          .inputs = [](const Shape& s, Random& r) { return Tensors{leaf(uniform(s, r))}; },
          .apply =
              [forward](const Tensors& in) {
                Tensor y = in[0].detach().clone();
                forward(y);
                return Tensors{
                    record("spoiled", y, in, [](const Tensor& dy, Gradients& out) { out.give(0, dy); })};
              },
          .check = {{300}},
          .bf16 = in_bf16};
}

std::string found(const char* check, const OpCase& c) {
  for (const CardCheck& k : card_checks())
    if (std::strcmp(k.name, check) == 0) return k.run(c, c.check[0], kSeed);
  return "no such check";
}

// Changes element 7 by a relative error.
void spoil(Tensor& y, double relative) {
  if (y.dtype() == DType::f64) return;
  auto values = y.to_vector();
  for (double& v : values) v *= 1 + relative;
  y = from_vector(y.shape(), values, y.dtype());
}

}  // namespace

TEST_CASE("two numbers are printed with as many digits as tell them apart") {
  CHECK(told_apart(0.5, 0.25) == std::pair<std::string, std::string>{"0.5", "0.25"});
  CHECK(told_apart(0.991682, 0.991682 + 2e-16).first != told_apart(0.991682, 0.991682 + 2e-16).second);
}

TEST_CASE("each check finds its kind of bug, and nothing in a correct op") {
  const OpCase right = identity([](Tensor&) {}, true);
  for (const CardCheck& check : card_checks()) CHECK(check.run(right, {300}, kSeed) == "");

  int calls = 0;
  const std::string repeat =
      found("repeat", identity([&calls](Tensor& y) { y.data<double>()[7] += ++calls == 3 ? 1e-15 : 0; }));
  CHECK(repeat.find("run 3: output 0 element 7 is ") == 0);
  CHECK(found("orders", identity([](Tensor& y) {
                y.data<double>()[7] += kernels::check_options().order_seed == 16 ? 1 : 0;
              }))
            .find("order 16: output 0 element 7 is ") == 0);
  CHECK(found("poison", identity([](Tensor& y) {
                const Tensor fresh({300}, DType::f64, cpu);
                if (kernels::check_options().poison_memory) y.data<double>()[7] = fresh.data<double>()[7];
              }))
            .find("poison ") == 0);
  OpCase overwrites = identity([](Tensor&) {});
  overwrites.apply = [](const Tensors& in) {
    return Tensors{record("overwrites", in[0].detach().clone(), in, [](const Tensor& dy, Gradients& out) {
      const Destination d = out.destination(0);
      copy_bytes(d.tensor.raw(), cpu, dy.raw(), cpu, dy.bytes());
    })};
  };
  const std::string accumulate = found("accumulate/gpu", overwrites);
  CHECK(accumulate.find("after two backward passes the gradient of input 0 element 0 is ") == 0);
  CHECK(accumulate.find(": overwritten, which must add to what an earlier backward left") != accumulate.npos);
  CHECK(found("f32", identity([](Tensor& y) { spoil(y, 1e-4); })).find("outputs are off by ") == 0);
#ifndef DYAD_SIMT_ONLY
  CHECK(found("gradcheck", identity([](Tensor& y) {
                for (int i = 0; i < 300; ++i) y.data<double>()[i] *= 1.001;
              })) != "");
  CHECK(found("block sizes",
              identity([](Tensor& y) { y.data<double>()[7] *= cpu_threads() == Threads::gpu ? 1.001 : 1; }))
            .find("outputs are off by ") == 0);
  CHECK(found("bf16", identity([](Tensor& y) { spoil(y, 0.02); }, true)).find("outputs are off by ") == 0);
#endif
}

#ifndef DYAD_SIMT_ONLY
TEST_CASE("fast gradcheck: every differentiable card passes at a small shape, and a wrong term is found") {
  for (const OpCase& c : OpCase::all()) {
    const GradcheckResult r = gradcheck_fast(c, c.check.back(), kSeed);
    CHECK_MESSAGE(!r.failure, (r.failure ? r.failure->text() : ""));
    CHECK(r.entries > 0);
    for (const Shape& s : fast_shapes(c)) CHECK((s[0] == 1 || s.numel() <= 1 << 18));
  }
  const OpCase wrong = identity([](Tensor& y) {
    for (int i = 0; i < 300; ++i) y.data<double>()[i] *= 1.001;
  });
  const GradcheckResult r = gradcheck_fast(wrong, {300}, kSeed);
  REQUIRE(r.failure);
  CHECK(r.failure->text().find("along random direction 0") != std::string::npos);
}
#endif
