// R ranks with the same global batch compute the same result as one: loss, every gradient, running statistics
// and the parameters after five LARS steps, with augmentation and shards of unequal size. Known mistakes of
// published libraries are detected.
#include "apps/ranks/ranks.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/rank_training.h"
#include "tests/support/ranks.h"
#include "tests/support/scratch.h"

using engine::Communicator;
using engine::DType;
using engine::Tensor;

namespace {

// Runs on threads; returns the result of rank 0.
template <class Run>
Outcome first_of(int ranks, Run run) {
  Outcome first;
  on_ranks(ranks, [&](Communicator& c) {
    Outcome own = run(c);
    if (c.rank() == 0) first = std::move(own);
  });
  return first;
}

// Forwards every call; a mutation overrides one of them.
class Through : public Communicator {
 public:
  explicit Through(Communicator& c) : c_(c) {}
  int rank() const override { return c_.rank(); }
  int size() const override { return c_.size(); }
  void all_reduce_sum(const Tensor& t) override { c_.all_reduce_sum(t); }
  Tensor all_gather(const Tensor& rows, const std::vector<std::int64_t>& counts) override {
    return c_.all_gather(rows, counts);
  }
  Tensor reduce_scatter_sum(const Tensor& rows) override { return c_.reduce_scatter_sum(rows); }
  void broadcast(const Tensor& t, int from_rank) override { c_.broadcast(t, from_rank); }
  void barrier() override { c_.barrier(); }

 protected:
  Communicator& c_;
};

// Mistake: averages the ranks' gradients instead of summing them.
class Averaging : public Through {
 public:
  using Through::Through;
  void all_reduce_sum(const Tensor& t) override {
    c_.all_reduce_sum(t);
    for (std::int64_t i = 0; i < t.numel(); ++i) t.data<double>()[i] /= c_.size();
  }
};

// Mistake: an all-gather without a gradient. The row sums of the other ranks are missing, so their loss gives
// no gradient for this rank's rows.
class WithoutTheOthersTerm : public Through {
 public:
  using Through::Through;
  Tensor all_gather(const Tensor& rows, const std::vector<std::int64_t>& counts) override {
    Tensor all = c_.all_gather(rows, counts);
    if (rows.shape().rank() > 1) return all;
    std::int64_t first = 0;
    for (int r = 0; r < c_.rank(); ++r) first += counts[std::size_t(r)];
    for (std::int64_t i = 0; i < all.numel(); ++i)
      if (i < first || i >= first + rows.numel()) all.data<double>()[i] = 0;
    return all;
  }
};

}  // namespace

namespace {

// The largest error over all numbers of ranks, and its place.
std::pair<double, std::string> error_of_ranks(const RankTraining& training) {
  const Outcome one = training.run(engine::single());
  REQUIRE(one.size() > 100);
  double largest = 0;
  std::string where;
  for (const int ranks : {2, 3, 4, 8}) {
    std::string entry;
    const double error =
        largest_error(first_of(ranks, [&](Communicator& c) { return training.run(c); }), one, &entry);
    if (error <= largest) continue;
    largest = error;
    where = engine::concat_text(ranks, " ranks: ", entry);
  }
  return {largest, where};
}

}  // namespace

TEST_CASE("R ranks compute the same result as one, in f64") {
  const auto [error, where] = error_of_ranks(RankTraining(DType::f64));
  MESSAGE(where, " ", error);
  CHECK(error <= 1e-10);
}

TEST_CASE("R ranks compute the same result as one with every other method, in f64") {
  for (const std::string& method : models::method_names()) {
    if (method == "simclr") continue;
    const auto [error, where] = error_of_ranks(RankTraining(DType::f64, 1, method));
    MESSAGE(method, ", ", where, " ", error);
    CHECK(error <= 1e-10);
  }
}

// The borders of two groups of 11 are not those of 3 or 8 ranks.
TEST_CASE("ranks: batch norm in groups and shuffled keys give the result of one rank, in f64") {
  const auto [error, where] =
      error_of_ranks(RankTraining(DType::f64, 1, "moco2", [](auto& o) { o.split_norm = 2; }));
  MESSAGE(where, " ", error);
  CHECK(error <= 1e-10);
}

TEST_CASE("ranks: a learned temperature is that of one rank, in f64") {
  for (const std::string method : {"simclr", "supcon", "moco2"}) {
    const auto [error, where] =
        error_of_ranks(RankTraining(DType::f64, 1, method, [](auto& o) { o.tau.learned = true; }));
    MESSAGE(method, ", ", where, " ", error);
    CHECK(error <= 1e-10);
  }
}

TEST_CASE("ranks: MoCo v2 with two queues gives the result of one rank, in f64") {
  const auto [error, where] =
      error_of_ranks(RankTraining(DType::f64, 1, "moco2", [](auto& o) { o.symmetric = true; }));
  MESSAGE(where, " ", error);
  CHECK(error <= 1e-10);
}

// In f32 rounding may flip the sign of a ReLU's input, which changes a small gradient by a thousandth. The
// test therefore takes the best of several seeds. A mistake shows with all of them.
TEST_CASE("ranks: every kind of negatives in f64 gives the result of one rank") {
  for (const std::string negatives : {"decoupled", "dclw", "debiased", "hard", "eqco"}) {
    const auto [error, where] =
        error_of_ranks(RankTraining(DType::f64, 1, "simclr", [&](auto& o) { o.negatives = negatives; }));
    MESSAGE(negatives, ", ", where, " ", error);
    CHECK(error <= 1e-10);
  }
  for (const std::string method : {"moco2", "moco3"}) {  // hard: of all kinds it needs the most
    const auto [error, where] =
        error_of_ranks(RankTraining(DType::f64, 1, method, [&](auto& o) { o.negatives = "hard"; }));
    MESSAGE(method, ", ", where, " ", error);
    CHECK(error <= 1e-10);
  }
}

TEST_CASE("R ranks compute the same result as one, in f32") {
  double least = INFINITY;
  for (std::uint64_t seed = 1; seed <= 10 && least > 1e-5; ++seed) {
    const auto [error, where] = error_of_ranks(RankTraining(DType::f32, seed));
    MESSAGE("seed ", seed, ", ", where, " ", error);
    least = std::min(least, error);
  }
  CHECK(least <= 1e-5);
}

TEST_CASE("the known mistakes of distributed contrastive learning are detected") {
  const RankTraining training(DType::f64);
  const Outcome one = training.run(engine::single());
  const int ranks = 3, batch = RankTraining::batch;
  const auto error = [&](auto parts_of) {
    return largest_error(first_of(ranks, [&](Communicator& c) { return training.run(c, parts_of(c)); }), one);
  };
  // without a mistake the test's step equals the program's
  CHECK(error([&](Communicator& c) { return RankParts{c, c, c, batch}; }) <= 1e-10);

  const double local_negatives = error([&](Communicator& c) { return RankParts{c, engine::single(), c, 0}; });
  const double stale_statistics = error([&](Communicator& c) {
    return RankParts{engine::single(), c, c, batch};
  });
  CHECK(local_negatives > 1e-2);
  CHECK(stale_statistics > 1e-2);

  const auto with = [&](auto faulty, auto parts_of) {
    return largest_error(first_of(ranks,
                                  [&](Communicator& c) {
                                    typename decltype(faulty)::type f(c);
                                    return training.run(c, parts_of(c, f));
                                  }),
                         one);
  };
  const double averaged = with(std::type_identity<Averaging>{}, [&](Communicator& c, Communicator& f) {
    return RankParts{c, c, f, batch};
  });
  const double missing_term =
      with(std::type_identity<WithoutTheOthersTerm>{}, [&](Communicator& c, Communicator& f) {
        return RankParts{c, f, c, batch};
      });
  CHECK(averaged > 1e-2);
  CHECK(missing_term > 1e-2);
  MESSAGE("errors: local negatives ", local_negatives, ", local statistics ", stale_statistics,
          ", averaged gradients ", averaged, ", no gradient from the others' loss ", missing_term);
}

TEST_CASE("gradients are summed in buckets while backward runs, each once, in the same order everywhere") {
  class Recorder : public Through {
   public:
    using Through::Through;
    void begin_all_reduce_sum(const Tensor& t) override {
      begun.push_back({static_cast<char*>(t.raw()), t.bytes()});
      c_.all_reduce_sum(t);
    }
    void finish_all_reduces() override { finished = true; }
    std::vector<std::pair<char*, std::size_t>> begun;
    bool finished = false;
  };
  apps::PretrainOptions o;
  o.arch = "resnet10";
  o.width = 0.25;
  apps::resolve(o, true);
  std::vector<std::pair<std::int64_t, std::int64_t>> order[2];  // bytes, of each rank
  on_ranks(2, [&](Communicator& c) {
    Recorder recorder(c);
    const auto method = apps::make_method(o, engine::cpu);
    engine::GradientBuckets buckets(method->parameters, recorder, 64 << 10);
    const Tensor x = engine::full({2, 16, 16, 3}, 0.5, DType::f32, engine::cpu);
    buckets.backward(engine::sum(method->branch()(x, {engine::Mode::train, recorder})));
    // Doctest's checks are thread-safe.
    CHECK(recorder.begun.size() == buckets.count());
    CHECK(buckets.count() > 5);
    CHECK_FALSE(recorder.finished);
    buckets.finish();
    CHECK(recorder.finished);
    auto* values = static_cast<char*>(method->parameters.gradients().raw());
    auto& mine = order[std::size_t(c.rank())];
    for (const auto& [begin, bytes] : recorder.begun)
      mine.push_back({begin - values, begin - values + bytes});
  });
  CHECK(order[0] == order[1]);
  std::sort(order[0].begin(), order[0].end());
  for (std::size_t i = 1; i < order[0].size(); ++i) CHECK(order[0][i - 1].second <= order[0][i].first);
}

TEST_CASE("rank and size come from the launcher's variables") {
  const auto said = [](std::map<std::string, std::string> variables) {
    return apps::launched([variables = std::move(variables)](const char* name) {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    });
  };
  CHECK(said({}).by.empty());
  CHECK(said({}).size == 1);
  const auto torchrun = said({{"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}});
  CHECK(torchrun.by == "torchrun");
  CHECK(torchrun.rank == 5);
  CHECK(torchrun.size == 8);
  CHECK(torchrun.local_rank == 1);
  CHECK(said({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}}).by == "Open MPI");
  CHECK(said({{"SLURM_PROCID", "3"}, {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_LOCALID", "1"}}).local_rank == 1);
  // a batch script, where srun has started nothing yet
  CHECK(said({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "0"}}).size == 1);
  CHECK_THROWS_WITH(said({{"RANK", "8"}, {"WORLD_SIZE", "8"}}),
                    "RANK is 8, expected less than WORLD_SIZE (8)");
  CHECK_THROWS_WITH(said({{"RANK", "x"}, {"WORLD_SIZE", "8"}}), "RANK is \"x\", expected a whole number");
}
