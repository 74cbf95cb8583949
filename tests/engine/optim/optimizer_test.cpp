// Optimizers against torch.optim's results and against plain loops, and the learning rate's schedule.
#include "engine/optim/optimizer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/check/op_case.h"
#include "engine/ops.h"
#include "engine/optim/gradient_norm.h"
#include "engine/optim/schedule.h"
#include "kernels/base/launch_log.h"

#ifdef _OPENMP
#include <omp.h>
#endif

using namespace engine;

namespace {

// Two parameters in one buffer with an alignment gap between them: "weight" is decayed, "bias" not.
struct Problem {
  static constexpr std::int64_t bias_at = 8, size = 12;
  FlatParameters parameters;
  explicit Problem(DType dtype = DType::f64) {
    std::vector<double> w(std::size_t(size), 0.0);
    const double weight[] = {0.5, -1.25, 2.0, 0.125, -0.75}, bias[] = {0.3, -0.2};
    for (std::size_t i = 0; i < 5; ++i) w[i] = weight[i];
    for (std::size_t i = 0; i < 2; ++i) w[bias_at + i] = bias[i];
    parameters = {
        from_vector({size}, w, dtype), zeros({size}, dtype, cpu), {{0, 5, true}, {bias_at, 2, false}}};
  }
  static double rate(int t) { return 0.1 * (1 + t % 3) / 2; }
  static double weight_gradient(int i, int t) { return ((7 * i + 3 * t) % 11 - 5) / 8.0; }
  static double bias_gradient(int i, int t) { return ((5 * i + 2 * t) % 7 - 3) / 4.0; }

  std::vector<double> after_ten_steps(Optimizer& optimizer) {
    for (int t = 0; t < 10; ++t) {
      std::vector<double> g(std::size_t(size), 1e3);  // the gap's gradient must have no effect
      for (int i = 0; i < 5; ++i) g[std::size_t(i)] = weight_gradient(i, t);
      for (int i = 0; i < 2; ++i) g[std::size_t(bias_at + i)] = bias_gradient(i, t);
      const Tensor host = from_vector({size}, g, parameters.values.dtype());
      copy_bytes(parameters.gradients.raw(), cpu, host.raw(), cpu, host.bytes());
      optimizer.step(rate(t));
    }
    const std::vector<double> all = parameters.values.to_vector();
    for (std::size_t i : {5, 6, 7, 10, 11}) CHECK(all[i] == 0);
    return {all[0], all[1], all[2], all[3], all[4], all[bias_at], all[bias_at + 1]};
  }
};

void check_close(const std::vector<double>& got, const std::vector<double>& expected,
                 double tolerance = 1e-13) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(got[i] - expected[i]) <= tolerance * (1 + std::abs(expected[i])));
  }
}

struct BothBlockSizes {  // runs a test's body at one thread a block and at the GPU's block size
  Threads before = cpu_threads();
  ~BothBlockSizes() { cpu_threads() = before; }
  template <class F>
  void operator()(F f) {
    for (Threads t : {Threads::host, Threads::gpu}) {
      cpu_threads() = t;
      f();
    }
  }
};

// LARS by plain loops over one parameter.
struct PlainLars {
  LarsOptions o;
  std::vector<double> w, v;
  void step(double lr, const std::vector<double>& gradient, bool decayed) {
    v.resize(w.size());
    const auto norm = [](const std::vector<double>& x) {
      double squares = 0;
      for (double e : x) squares += e * e;
      return std::sqrt(squares);
    };
    std::vector<double> g = gradient;
    double ratio = 1;
    if (decayed) {
      for (std::size_t i = 0; i < w.size(); ++i) g[i] += o.weight_decay * w[i];
      ratio = o.convention == LarsConvention::google
                  ? o.eta * norm(w) / norm(g)
                  : o.eta * norm(w) / (norm(gradient) + o.weight_decay * norm(w) + o.eps);
    }
    for (std::size_t i = 0; i < w.size(); ++i) {
      const bool google = o.convention == LarsConvention::google;
      const double scaled = (google ? lr : 1) * ratio * g[i];
      v[i] = o.momentum * v[i] + scaled;
      w[i] -= (google ? 1 : lr) * (o.nesterov ? scaled + o.momentum * v[i] : v[i]);
    }
  }
};

}  // namespace

// The expected values of the next three tests are those of torch 2.15 in f64, with the same gradients and
// learning rates and a weight decay for the first parameter only.
TEST_CASE("SGD with momentum is torch.optim.SGD") {
  BothBlockSizes{}([] {
    Problem p;
    Sgd optimizer(p.parameters, {.momentum = 0.9, .weight_decay = 0.05});
    check_close(p.after_ten_steps(optimizer),
                {0.7130010716544869, -1.2583185669624259, 1.4951919585037667, 0.11375936604054085,
                 -0.9371412145287954, 0.74137697208750009, -0.13981931509999998});
  });
}

TEST_CASE("SGD with Nesterov's momentum is torch.optim.SGD") {
  BothBlockSizes{}([] {
    Problem p;
    Sgd optimizer(p.parameters, {.momentum = 0.9, .weight_decay = 0.05, .nesterov = true});
    check_close(p.after_ten_steps(optimizer),
                {0.71903402412675188, -1.2099039030985743, 1.3828544774855778, 0.21911498076418731,
                 -0.97768697876834476, 0.80973927487874997, 0.0041626164100000574});
  });
}

TEST_CASE("AdamW is torch.optim.AdamW") {
  const std::vector<double> torch = {0.7697433677965605,   -1.4441763649925183,  1.8832330017115217,
                                     0.061104691442760289, -0.98700281761582886, 0.58203834373203778,
                                     -0.18579399327512214};
  BothBlockSizes{}([&] {
    Problem p;
    AdamW optimizer(p.parameters, {.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-6, .weight_decay = 0.05});
    check_close(p.after_ten_steps(optimizer), torch, 1e-12);
    Problem single(DType::f32);
    AdamW optimizer32(single.parameters, {.beta1 = 0.9, .beta2 = 0.98, .eps = 1e-6, .weight_decay = 0.05});
    check_close(single.after_ten_steps(optimizer32), torch, 2e-6);
  });
}

TEST_CASE("LARS in both conventions equals the plain loop; biases are neither decayed nor adapted") {
  for (LarsConvention convention : {LarsConvention::google, LarsConvention::lightly})
    for (bool nesterov : {false, true}) {
      const LarsOptions o{.convention = convention, .weight_decay = 0.05, .eta = 0.02, .nesterov = nesterov};
      PlainLars weight{o, {0.5, -1.25, 2.0, 0.125, -0.75}, {}}, bias{o, {0.3, -0.2}, {}};
      for (int t = 0; t < 10; ++t) {
        std::vector<double> gw, gb;
        for (int i = 0; i < 5; ++i) gw.push_back(Problem::weight_gradient(i, t));
        for (int i = 0; i < 2; ++i) gb.push_back(Problem::bias_gradient(i, t));
        weight.step(Problem::rate(t), gw, true);
        bias.step(Problem::rate(t), gb, false);
      }
      std::vector<double> expected = weight.w;
      expected.insert(expected.end(), bias.w.begin(), bias.w.end());
      BothBlockSizes{}([&] {
        Problem p;
        Lars optimizer(p.parameters, o);
        check_close(p.after_ten_steps(optimizer), expected);
      });
    }
}

TEST_CASE("LARS: google's velocity contains the old learning rate, lightly's does not") {
  const auto moved = [](LarsConvention convention) {  // change in the second step, whose learning rate is 0
    FlatParameters p{full({3}, 1, DType::f64, cpu), full({3}, 0.5, DType::f64, cpu), {{0, 3, true}}};
    Lars optimizer(p, {.convention = convention, .weight_decay = 0});
    optimizer.step(1.0);
    const double before = p.values.to_vector()[0];
    optimizer.step(0.0);
    return before - p.values.to_vector()[0];
  };
  CHECK(moved(LarsConvention::google) ==
        doctest::Approx(0.9 * 1e-3 * 1.0 / 0.5 * 0.5));  // momentum eta |w|/|g| g
  CHECK(moved(LarsConvention::lightly) == 0);
}

TEST_CASE("LARS falls back to plain SGD if the weights or the gradients have norm zero") {
  for (LarsConvention convention : {LarsConvention::google, LarsConvention::lightly}) {
    FlatParameters p{zeros({4}, DType::f64, cpu), full({4}, 0.5, DType::f64, cpu), {{0, 4, true}}};
    Lars optimizer(p, {.convention = convention, .weight_decay = 0.1});
    optimizer.step(0.1);  // |w| = 0
    for (double w : p.values.to_vector()) CHECK(w == doctest::Approx(-0.05));
    p.gradients.fill_zero();
    optimizer.step(0);
    for (double w : p.values.to_vector()) CHECK(std::isfinite(w));
  }
}

TEST_CASE("LARS sums the norms over the chunks of a parameter") {
  const std::int64_t n = 40001;  // two chunks of 16,384 and a third
  std::vector<double> w(std::size_t(n) + 3), g(w.size());
  Random r(3);
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] = r.normal();
    g[i] = r.normal();
  }
  PlainLars plain{{.weight_decay = 0.1, .eta = 0.5}, {w.begin() + 3, w.end()}, {}};
  for (int t = 0; t < 3; ++t) plain.step(0.1, {g.begin() + 3, g.end()}, true);
  BothBlockSizes{}([&] {
    FlatParameters p{from_vector({n + 3}, w, DType::f64),
                     from_vector({n + 3}, g, DType::f64),
                     {{0, 3, false}, {3, n, true}}};
    Lars optimizer(p, plain.o);
    for (int t = 0; t < 3; ++t) optimizer.step(0.1);
    const std::vector<double> all = p.values.to_vector();
    check_close({all.begin() + 3, all.end()}, plain.w);
  });
}

#ifdef _OPENMP
TEST_CASE("one thread and two are bit-identical") {
  const int before = omp_get_max_threads();
  const auto run = [](int threads) {
    omp_set_num_threads(threads);
    const std::int64_t n = 100003;
    Random r(5);
    FlatParameters p{uniform({n}, r), uniform({n}, r), {{0, 7, false}, {7, n - 7, true}}};
    Lars optimizer(p, {.weight_decay = 1e-4});
    for (int t = 0; t < 3; ++t) optimizer.step(0.1);
    return p.values.to_vector();
  };
  const auto one = run(1), two = run(2);
  omp_set_num_threads(before);
  CHECK(one == two);
}
#endif

TEST_CASE("two steps launch the same work, whatever the learning rate") {
  Problem p;
  Lars lars(p.parameters, {});
  Sgd sgd(p.parameters, {});
  AdamW adamw(p.parameters, {});
  for (Optimizer* optimizer :
       {static_cast<Optimizer*>(&lars), static_cast<Optimizer*>(&sgd), static_cast<Optimizer*>(&adamw)}) {
    kernels::LaunchLog first, second;
    kernels::launch_log() = &first;
    optimizer->step(0.1);
    kernels::launch_log() = &second;
    optimizer->step(0.2);
    kernels::launch_log() = nullptr;
    CHECK(first.entries.size() >= 2);  // the learning rate's copy, and one or two launches
    CHECK(first.entries.size() <= 3);
    CHECK(first.entries == second.entries);
  }
}

TEST_CASE("a restored state continues as if never interrupted") {
  const auto ten = [](bool interrupted) {
    Problem p;
    auto optimizer = std::make_unique<AdamW>(p.parameters, AdamWOptions{});
    (void)p.after_ten_steps(*optimizer);
    if (interrupted) {
      auto fresh = std::make_unique<AdamW>(p.parameters, AdamWOptions{});
      const NamedTensors from = optimizer->state(), to = fresh->state();
      for (std::size_t i = 0; i < from.size(); ++i) {
        CHECK(from[i].first == to[i].first);
        copy_bytes(to[i].second.raw(), cpu, from[i].second.raw(), cpu, from[i].second.bytes());
      }
      optimizer = std::move(fresh);
    }
    return p.after_ten_steps(*optimizer);
  };
  CHECK(ten(true) == ten(false));
}

TEST_CASE("by_parameter names each parameter's part of a state, whatever the order of the layers") {
  struct Forth {
    Tensor a, b;
    explicit Forth(const Scope& s) : a(s.constant("a", 3, 1)), b(s.constant("b", 2, 1)) {}
  };
  struct Back {
    Tensor b, a;
    explicit Back(const Scope& s) : b(s.constant("b", 2, 1)), a(s.constant("a", 3, 1)) {}
  };
  Parameters forth(cpu, DType::f64, 1), back(cpu, DType::f64, 1);
  const Forth net = forth.build<Forth>();
  (void)back.build<Back>();
  const AdamW first(flat_parameters(forth), {}), second(flat_parameters(back), {});
  const auto part = [](const NamedTensors& all, const std::string& name) {
    for (const auto& [found, value] : all)
      if (found == name) return value;
    return Tensor();
  };
  const NamedTensors from = by_parameter(first.state(), forth), to = by_parameter(second.state(), back);
  CHECK(from.size() == 5);  // two moments of two parameters, and the step, which isn't cut
  CHECK(part(from, "optimizer.step").shape() == Shape{1});
  for (const char* name : {"optimizer.exp_avg.a", "optimizer.exp_avg_sq.b"}) {
    CHECK(part(from, name).shape() == part(to, name).shape());
    CHECK(part(from, name).shape() == (std::string(name).back() == 'a' ? net.a : net.b).shape());
  }
  const Tensor marks = from_vector({3}, {1, 2, 3}, DType::f64);  // the part shares the optimizer's memory
  copy_bytes(part(from, "optimizer.exp_avg.a").raw(), cpu, marks.raw(), cpu, marks.bytes());
  const std::vector<double> flat = first.state().front().second.to_vector();
  const double three[] = {1, 2, 3};
  CHECK(std::search(flat.begin(), flat.end(), std::begin(three), std::end(three)) != flat.end());
}

TEST_CASE("a parameter that the loss does not reach stays as it is, whatever an earlier step has left") {
  struct Two {
    Tensor a, b;
    explicit Two(const Scope& s) : a(s.constant("a", 3, 1)), b(s.constant("b", 3, 1)) {}
  };
  Parameters p(cpu, DType::f64, 1);
  const Two net = p.build<Two>();
  Sgd sgd(flat_parameters(p), {.momentum = 0});
  CHECK_THROWS_WITH(sgd.step(), "Optimizer: step() before set_learning_rate()");
  const auto step = [&](const Tensor& x) {
    p.clear_gradients();
    backward(relu(x), full({3}, 1, DType::f64, cpu));
    sgd.step(0.25);
  };
  step(net.a);  // b's gradient was never written
  step(net.b);
  step(net.a);
  CHECK(net.a.to_vector() == std::vector<double>{0.5, 0.5, 0.5});
  CHECK(net.b.to_vector() == std::vector<double>{0.75, 0.75, 0.75});
}

TEST_CASE("segments outside of the buffer are refused") {
  const FlatParameters p{zeros({4}, DType::f64, cpu), zeros({4}, DType::f64, cpu), {{2, 3, true}}};
  CHECK_THROWS_WITH(Sgd(p, {}),
                    "Optimizer: a segment of 3 elements at 2, expected within the 4 of the buffer");
}

TEST_CASE("warm-up and cosine, batch rules") {
  CHECK(warmup_cosine(0, 10, 110, 2) == 0);
  CHECK(warmup_cosine(5, 10, 110, 2) == doctest::Approx(1));
  CHECK(warmup_cosine(10, 10, 110, 2) == 2);
  CHECK(warmup_cosine(60, 10, 110, 2) == doctest::Approx(1));           // half of the cosine
  CHECK(warmup_cosine(85, 10, 110, 2) == doctest::Approx(0.29289322));  // 1 + cos(3 pi / 4)
  CHECK(warmup_cosine(110, 10, 110, 2) == 0);
  CHECK(warmup_cosine(0, 0, 100, 2) == 2);
  CHECK(linear_scaling(0.3, 4096) == doctest::Approx(4.8));
  CHECK(sqrt_scaling(0.075, 4096) == doctest::Approx(4.8));
}

TEST_CASE("the gradient's norm is that of all parameters, decayed or not, and not of the gaps") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Problem problem(dtype);
    std::vector<double> g(std::size_t(Problem::size), 1e3);
    double square = 0;
    for (const std::size_t i : {0, 1, 2, 3, 4, 8, 9}) {
      g[i] = 0.25 * double(i) - 1;
      square += g[i] * g[i];
    }
    const Tensor host = from_vector({Problem::size}, g, dtype);
    copy_bytes(problem.parameters.gradients.raw(), cpu, host.raw(), cpu, host.bytes());
    CHECK(GradientNorm(problem.parameters)().item() == doctest::Approx(square).epsilon(1e-6));
  }
}
