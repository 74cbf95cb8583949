// Batch norm beyond its cards: running statistics, accuracy, ranks, errors. Ties of max pool.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/check/op_case.h"
#include "engine/ops.h"
#include "kernels/kernels.h"
#include "tests/support/ranks.h"

#ifdef _OPENMP
#include <omp.h>
#endif

using namespace engine;

namespace {

struct Layer {
  Tensor weight, bias;
  BatchNormState state;
  explicit Layer(std::int64_t C, DType t = DType::f64)
      : weight(leaf(full({C}, 1, t, cpu))),
        bias(leaf(zeros({C}, t, cpu))),
        state{zeros({C}, t, cpu), full({C}, 1, t, cpu), zeros({1}, DType::i64, cpu)} {}
};

Tensor random_tensor(Shape s, std::uint64_t seed) {
  Random r(seed);
  return uniform(s, r);
}

double largest_difference(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector(), y = b.to_vector();
  REQUIRE(x.size() == y.size());
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

}  // namespace

TEST_CASE("running statistics are torch's: unbiased variance, momentum, a counter") {
  Layer l(1);
  const Tensor x = from_vector({4, 1}, {1, 2, 3, 6}, DType::f64);  // mean 3, sum of squares 14
  batch_norm(x, l.weight, l.bias, l.state, Mode::train, single());
  CHECK(l.state.running_mean.item() == doctest::Approx(0.3));
  CHECK(l.state.running_var.item() == doctest::Approx(0.9 + 0.1 * 14.0 / 3));
  batch_norm(x, l.weight, l.bias, l.state, Mode::train, single());
  CHECK(l.state.running_mean.item() == doctest::Approx(0.57));
  CHECK(l.state.num_batches_tracked.item() == 2);

  // eval reads the statistics and does not change them
  const double mean = l.state.running_mean.item(), var = l.state.running_var.item();
  const auto y = batch_norm(x, l.weight, l.bias, l.state, Mode::eval, single()).to_vector();
  CHECK(y[3] == doctest::Approx((6 - mean) / std::sqrt(var + 1e-5)));
  CHECK(l.state.num_batches_tracked.item() == 2);
  CHECK(l.state.running_mean.item() == mean);
}

TEST_CASE("a mean far above the deviation costs no accuracy") {
  // In f32, E[x^2] - E[x]^2 would lose every digit here: (1e4)^2 eps is 12, the variance 1/3.
  const std::int64_t R = 40000, C = 3;
  Random r(1);
  const Tensor noise = uniform({R, C}, r);
  std::vector<double> values = noise.to_vector();
  for (double& v : values) v = static_cast<float>(v + 1e4);
  const Tensor exact = from_vector({R, C}, values, DType::f64),
               single_precision = from_vector({R, C}, values, DType::f32);
  Layer l64(C), l32(C, DType::f32);
  const Tensor a = batch_norm(exact, l64.weight, l64.bias, l64.state, Mode::train, single());
  const Tensor b = batch_norm(single_precision, l32.weight, l32.bias, l32.state, Mode::train, single());
  CHECK(largest_difference(a, b) < 2e-3);  // the mean itself is rounded to 1e4 2^-24
  CHECK(l32.state.running_var.to_vector()[0] ==
        doctest::Approx(l64.state.running_var.to_vector()[0]).epsilon(1e-4));
}

// The maximum number of parts. A sum of their means would round away their differences.
template <class Stream>
void check_merge(Stream stream) {
  const std::int64_t parts = 384, C = 3;
  std::vector<float> partials, merged(2 * C + 1);
  for (std::int64_t p = 0; p < parts; ++p)
    for (const float v : {1e4f, 100.7f, 1e4f + 0.25f * float(p % 3 - 1), 0.f, 0.f, 0.f, 2736.f})
      partials.push_back(v);
  kernels::batch_norm_merge(stream, parts, C, partials.data(), merged.data());
  CHECK(merged[0] == 1e4f);
  CHECK(merged[1] == 100.7f);
  CHECK(merged[2] == 1e4f);
  CHECK(merged[3] == 0);
  CHECK(merged[4] == 0);
  CHECK(merged[5] == doctest::Approx(2736. * 256 / 16));  // the means of 256 parts are off by a quarter
  CHECK(merged[6] == 2736.f * 384);
}

TEST_CASE("merging many slabs with a large mean keeps their differences") {
  check_merge(kernels::SimtStream{});
#ifndef DYAD_SIMT_ONLY
  check_merge(kernels::CpuStream{});
#endif
}

TEST_CASE("a constant channel has variance zero, not NaN") {
  Layer l(2, DType::f32);
  const Tensor y =
      batch_norm(full({100, 2}, 0.1, DType::f32, cpu), l.weight, l.bias, l.state, Mode::train, single());
  for (double v : y.to_vector()) CHECK(std::abs(v) < 1e-4);
}

TEST_CASE("ranks of unequal size compute the same as one: outputs, statistics and every gradient") {
  const std::int64_t C = 5, R = 24;
  const Tensor x = random_tensor({R, C}, 1), dy = random_tensor({R, C}, 2),
               residual = random_tensor({R, C}, 3);
  Layer one(C);
  const Tensor x1 = leaf(x), r1 = leaf(residual);
  const Tensor y1 =
      batch_norm(x1, one.weight, one.bias, one.state, Mode::train, single(), {.relu = true, .residual = r1});
  backward(y1, dy);

  for (const std::vector<std::int64_t>& rows :
       {std::vector<std::int64_t>{12, 12}, {1, 20, 3}, {6, 6, 6, 6}}) {
    CAPTURE(rows.size());
    const int size = int(rows.size());
    RankThreads ranks(size);
    std::vector<double> distance(rows.size(), 1);
    std::vector<Tensor> dweight(rows.size()), dbias(rows.size());
    std::vector<std::thread> threads;
    std::int64_t first = 0;
    for (int k = 0; k < size; ++k) {
      const std::int64_t from = first, n = rows[std::size_t(k)];
      first += n;
      threads.emplace_back([&, k, from, n] {
#ifdef _OPENMP
        omp_set_num_threads(1);
#endif
        RankThread comm(ranks, k);
        Layer l(C);
        const Tensor xk = leaf(x.detach().slice(from, n).clone()),
                     rk = leaf(residual.detach().slice(from, n).clone());
        const Tensor y =
            batch_norm(xk, l.weight, l.bias, l.state, Mode::train, comm, {.relu = true, .residual = rk});
        backward(y, dy.slice(from, n).clone());
        distance[std::size_t(k)] = std::max({largest_difference(y, y1.detach().slice(from, n)),
                                             largest_difference(gradient(xk), gradient(x1).slice(from, n)),
                                             largest_difference(gradient(rk), gradient(r1).slice(from, n)),
                                             largest_difference(l.state.running_mean, one.state.running_mean),
                                             largest_difference(l.state.running_var, one.state.running_var)});
        dweight[std::size_t(k)] = gradient(l.weight);
        dbias[std::size_t(k)] = gradient(l.bias);
      });
    }
    for (std::thread& t : threads) t.join();
    for (double d : distance) CHECK(d < 1e-12);
    // a rank's parameter gradients are those of its own rows: their sum over ranks is the full gradient
    for (std::size_t k = 1; k < rows.size(); ++k) {
      dweight[0] = add(dweight[0], dweight[k]);
      dbias[0] = add(dbias[0], dbias[k]);
    }
    CHECK(largest_difference(dweight[0], gradient(one.weight)) < 1e-12);
    CHECK(largest_difference(dbias[0], gradient(one.bias)) < 1e-12);
  }
}

// The rows of each group are normalized alone, wherever the borders of ranks are.
TEST_CASE("groups of the batch are normalized apart, the same on any number of ranks") {
  const std::int64_t C = 5, samples = 22, positions = 3;
  constexpr int groups = 4;
  const Tensor x = random_tensor({samples, positions, C}, 1), dy = random_tensor({samples, positions, C}, 2);
  const std::vector<double> weights = random_tensor({C}, 3).to_vector();
  const auto layer = [&] {
    Layer l(C);
    l.weight = leaf(from_vector({C}, weights, DType::f64));
    return l;
  };
  struct Result {
    std::vector<double> y, dx, dweight, dbias, mean, var;
  };
  const auto append = [](std::vector<double>& all, const std::vector<double>& more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  const auto add_to = [](std::vector<double>& sum, const std::vector<double>& more) {
    if (sum.empty()) sum.assign(more.size(), 0);
    for (std::size_t i = 0; i < more.size(); ++i) sum[i] += more[i];
  };

  Result apart;  // each group by a layer of its own
  for (int g = 0; g < groups; ++g) {
    const Shard rows = shard(samples, g, groups);
    Layer l = layer();
    const Tensor part = leaf(x.slice(rows.first, rows.count).clone());
    const Tensor y = batch_norm(part, l.weight, l.bias, l.state, Mode::train, single(), {.relu = true});
    backward(y, dy.slice(rows.first, rows.count).clone());
    append(apart.y, y.to_vector());
    append(apart.dx, gradient(part).to_vector());
    add_to(apart.dweight, gradient(l.weight).to_vector());
    add_to(apart.dbias, gradient(l.bias).to_vector());
    add_to(apart.mean, scale(l.state.running_mean, 1.0 / groups).to_vector());
    add_to(apart.var, scale(l.state.running_var, 1.0 / groups).to_vector());
  }

  for (const int size : {1, 2, 3, 4, 7}) {
    CAPTURE(size);
    std::vector<Result> of(std::size_t(size), Result{});
    on_ranks(size, [&](Communicator& comm) {
      const Shard rows = shard(samples, comm.rank(), size);
      Layer l = layer();
      const Tensor part = leaf(x.slice(rows.first, rows.count).clone());
      const Tensor y = batch_norm(part, l.weight, l.bias, l.state, Mode::train, comm, {.relu = true},
                                  {.count = groups, .samples = samples});
      backward(y, dy.slice(rows.first, rows.count).clone());
      of[std::size_t(comm.rank())] = {y.to_vector(),
                                      gradient(part).to_vector(),
                                      gradient(l.weight).to_vector(),
                                      gradient(l.bias).to_vector(),
                                      l.state.running_mean.to_vector(),
                                      l.state.running_var.to_vector()};
    });
    Result all;
    for (const Result& r : of) {
      append(all.y, r.y);
      append(all.dx, r.dx);
      add_to(all.dweight, r.dweight);
      add_to(all.dbias, r.dbias);
      CHECK(r.mean == of[0].mean);
    }
    const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
      REQUIRE(a.size() == b.size());
      for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a[i] - b[i]) < 1e-12);
    };
    near(all.y, apart.y);
    near(all.dx, apart.dx);
    near(all.dweight, apart.dweight);
    near(all.dbias, apart.dbias);
    near(of[0].mean, apart.mean);
    near(of[0].var, apart.var);
  }
}

#ifdef _OPENMP
TEST_CASE("batch norm is bit-identical with one thread and with two") {
  const int before = omp_get_max_threads();
  const auto run = [](int threads) {
    omp_set_num_threads(threads);
    Layer l(40);
    const Tensor x = leaf(random_tensor({3000, 40}, 4));
    const Tensor y = batch_norm(x, l.weight, l.bias, l.state, Mode::train, single(), {.relu = true});
    backward(y, random_tensor({3000, 40}, 5));
    auto all = y.to_vector();
    for (const Tensor& t : {gradient(x), gradient(l.weight), gradient(l.bias), l.state.running_var})
      for (double v : t.to_vector()) all.push_back(v);
    return all;
  };
  const auto one = run(1), two = run(2);
  omp_set_num_threads(before);
  CHECK(one == two);
}
#endif

TEST_CASE("batch norm refuses what it cannot normalize") {
  Layer l(3);
  CHECK_THROWS_WITH(
      batch_norm(zeros({1, 3}, DType::f64, cpu), l.weight, l.bias, l.state, Mode::train, single()),
      "batch_norm: x is (1,3), one row has no variance; expected more than one");
  CHECK_THROWS_WITH(
      batch_norm(zeros({4, 2}, DType::f64, cpu), l.weight, l.bias, l.state, Mode::train, single()),
      doctest::Contains("batch_norm: weight is (3) f64"));
  CHECK_THROWS_WITH(batch_norm(zeros({4, 3}, DType::f64, cpu), l.weight, l.bias, l.state, Mode::train,
                               single(), {}, {.count = 2, .samples = 8}),
                    "batch_norm: x is (4,3), expected this rank's part of 8 samples in 2 groups");
}

TEST_CASE("max pool: ties go to the first element, NaN wins, a window may be all -infinity") {
  const Tensor equal = leaf(full({1, 2, 2, 1}, 1, DType::f64, cpu));
  backward(max_pool2d(equal, 2, 2, 0), full({1, 1, 1, 1}, 5, DType::f64, cpu));
  CHECK(gradient(equal).to_vector() == std::vector<double>{5, 0, 0, 0});

  const Tensor nan = from_vector({1, 2, 2, 1}, {3, std::nan(""), 4, 5}, DType::f64);
  CHECK(std::isnan(max_pool2d(nan, 2, 2, 0).item()));

  const Tensor low = leaf(full({1, 1, 1, 1}, -INFINITY, DType::f64, cpu));
  const Tensor y = max_pool2d(low, 3, 2, 1);
  CHECK(y.item() == -INFINITY);
  backward(y, full({1, 1, 1, 1}, 2, DType::f64, cpu));
  CHECK(gradient(low).item() == 2);
  CHECK_THROWS_WITH(max_pool2d(low, 3, 2, 2), doctest::Contains("0 <= padding <= kernel / 2"));
}
