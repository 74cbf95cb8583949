// Run by mpirun: collectives of every dtype and size are exact, and R ranks train like one.
//   mpirun -n R mpi_ranks collectives | training
#include <cstdio>
#include <cstring>

#include "engine/ranks/mpi_communicator.h"
#include "tests/support/rank_training.h"

using engine::Communicator;
using engine::DType;
using engine::Tensor;

namespace {

int failures = 0;

template <class... Parts>
void expect(bool right, const Parts&... parts) {
  if (right) return;
  ++failures;
  std::fprintf(stderr, "%s\n", engine::concat_text(parts...).c_str());
}

// Whole numbers whose sums over the ranks every dtype holds exactly (bf16: up to 256).
double value(int rank, std::int64_t i) { return double((i + 3 * rank) % 13); }

Tensor filled(int rank, const engine::Shape& shape, DType dtype) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < shape.numel(); ++i) values.push_back(value(rank, i));
  return engine::from_vector(shape, values, dtype);
}

void collectives(Communicator& c) {
  for (const DType dtype : {DType::f32, DType::f64, DType::bf16, DType::i32, DType::i64, DType::u8})
    for (const std::int64_t n :
         {std::int64_t(0), std::int64_t(1), std::int64_t(3), std::int64_t(1001), std::int64_t(3) << 20}) {
      if (n > 2000 && dtype != DType::f32 && dtype != DType::bf16) continue;
      const auto name = [&](const char* what) {
        return engine::concat_text("rank ", c.rank(), " of ", c.size(), ": ", what, " of ", n, " ", dtype);
      };
      std::vector<double> sum(std::size_t(n), 0);
      for (int r = 0; r < c.size(); ++r)
        for (std::int64_t i = 0; i < n; ++i) sum[std::size_t(i)] += value(r, i);

      const Tensor all = filled(c.rank(), {n}, dtype), beside = all.clone(), second = all.clone();
      c.begin_all_reduce_sum(beside);
      c.all_reduce_sum(all);
      c.begin_all_reduce_sum(second);
      c.finish_all_reduces();
      expect(all.to_vector() == sum, name("all_reduce"));
      expect(beside.to_vector() == sum && second.to_vector() == sum, name("all_reduce beside another"));

      const Tensor sent = filled(2, {n}, dtype),
                   received = c.rank() == c.size() - 1 ? sent.clone() : filled(0, {n}, dtype);
      c.broadcast(received, c.size() - 1);
      expect(received.to_vector() == sent.to_vector(), name("broadcast"));

      if (n > 2000) continue;
      std::vector<double> gathered,
          uneven;  // rows of two elements: the same number on each rank; then rank + n % 3 rows
      std::vector<std::int64_t> counts;
      for (int r = 0; r < c.size(); ++r) {
        counts.push_back(r + n % 3);
        for (std::int64_t i = 0; i < 2 * n; ++i) gathered.push_back(value(r, i));
        for (std::int64_t i = 0; i < 2 * counts.back(); ++i) uneven.push_back(value(r, i));
      }
      expect(c.all_gather(filled(c.rank(), {n, 2}, dtype)).to_vector() == gathered, name("all_gather"));
      const std::int64_t own = counts[std::size_t(c.rank())];
      expect(c.all_gather(filled(c.rank(), {own, 2}, dtype), counts).to_vector() == uneven,
             name("all_gather of unequal parts"));

      std::vector<double> part;
      for (std::int64_t i = n * c.rank(); i < n * (c.rank() + 1); ++i) {
        part.push_back(0);
        for (int r = 0; r < c.size(); ++r) part.back() += value(r, i);
      }
      expect(c.reduce_scatter_sum(filled(c.rank(), {n * c.size()}, dtype)).to_vector() == part,
             name("reduce_scatter"));
    }
  const auto texts = engine::exchange_texts(c, std::string(std::size_t(c.rank()), 'x'));
  for (int r = 0; r < c.size(); ++r)
    expect(texts[std::size_t(r)].size() == std::size_t(r), "rank ", c.rank(), ": the text of rank ", r);
}

void training(Communicator& c) {
  for (const auto& [dtype, tolerance] : {std::pair{DType::f64, 1e-10}, std::pair{DType::f32, 1e-5}}) {
    double least = INFINITY;
    std::string where;
    for (std::uint64_t seed = 1; seed <= (dtype == DType::f32 ? 10 : 1) && least > tolerance; ++seed) {
      const RankTraining t(dtype, seed);  // f32: see tests/apps/ranks/ranks_test.cpp
      const double own = largest_error(t.run(c), t.run(engine::single()), &where);
      double worst = own;
      for (const std::string& text : engine::exchange_texts(c, engine::concat_text(own)))
        worst = std::max(worst, std::stod(text));
      least = std::min(least, worst);
    }
    if (c.rank() == 0)
      std::printf("%d ranks, %s: largest relative error %.2e (%s)\n", c.size(), engine::name(dtype), least,
                  where.c_str());
    expect(least <= tolerance, "rank ", c.rank(), ": ", engine::name(dtype), " error ", least, " in ", where);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const auto communicator = engine::connect_mpi(60);
  const std::string what = argc == 2 ? argv[1] : "";
  engine::require(what == "collectives" || what == "training", "mpi_ranks: expected collectives or training");
  what == "collectives" ? collectives(*communicator) : training(*communicator);
  communicator->barrier();
  return failures == 0 ? 0 : 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "mpi_ranks: %s\n", e.what());
  return 1;
}
