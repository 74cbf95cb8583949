// Ranks as threads of one process, for tests without MPI: each rank publishes its data, and all read them
// between two barriers.
#pragma once

#include <barrier>
#include <cstring>
#include <exception>
#include <thread>
#include <vector>

#include "engine/ranks/communicator.h"
#ifdef _OPENMP
#include <omp.h>
#endif

struct RankThreads {
  explicit RankThreads(int size) : given(std::size_t(size)), meet(size) {}
  std::vector<engine::Tensor> given;
  std::barrier<> meet;
};

class RankThread : public engine::Communicator {
 public:
  RankThread(RankThreads& all, int rank) : all_(all), rank_(rank) {}
  int rank() const override { return rank_; }
  int size() const override { return int(all_.given.size()); }

  void all_reduce_sum(const engine::Tensor& t) override {
    all_.given[std::size_t(rank_)] = t.clone();
    barrier();
    std::vector<double> sum(std::size_t(t.numel()), 0);
    for (const engine::Tensor& g : all_.given) {
      const std::vector<double> values = g.to_vector();
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
    }
    const engine::Tensor result = engine::from_vector(t.shape(), sum, t.dtype());
    barrier();
    engine::copy_bytes(t.raw(), engine::cpu, result.raw(), engine::cpu, t.bytes());
  }

  engine::Tensor all_gather(const engine::Tensor& rows,
                            const std::vector<std::int64_t>& row_counts) override {
    const auto counts = engine::gather_counts(*this, rows, row_counts);
    all_.given[std::size_t(rank_)] = rows;
    barrier();
    std::int64_t total = 0;
    for (std::int64_t n : counts) total += n;
    const engine::Tensor together(engine::with_rows(rows.shape(), total), rows.dtype(), engine::cpu);
    char* at = static_cast<char*>(together.raw());
    for (const engine::Tensor& g : all_.given) {
      if (g.bytes() > 0) std::memcpy(at, g.raw(), g.bytes());
      at += g.bytes();
    }
    barrier();
    return together;
  }

  engine::Tensor reduce_scatter_sum(const engine::Tensor& rows) override {
    const engine::Tensor sum = rows.clone();
    all_reduce_sum(sum);
    return sum.slice(rank_ * (rows.dim(0) / size()), rows.dim(0) / size());
  }

  void broadcast(const engine::Tensor& t, int from_rank) override {
    if (rank_ == from_rank) all_.given[0] = t;
    barrier();
    if (rank_ != from_rank)
      engine::copy_bytes(t.raw(), engine::cpu, all_.given[0].raw(), engine::cpu, t.bytes());
    barrier();
  }

  void barrier() override { all_.meet.arrive_and_wait(); }

 private:
  RankThreads& all_;
  int rank_;
};

// Calls f(communicator) on `size` threads. f must not throw on one rank only, or the others would wait for
// ever.
template <class F>
void on_ranks(int size, F f) {
  RankThreads all(size);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
#ifdef _OPENMP
      omp_set_num_threads(1);
#endif
      RankThread communicator(all, rank);
      f(communicator);
    });
  for (std::thread& t : threads) t.join();
}
