// Collectives between the processes (ranks) of one run, one process per device. Only batch norm, the loss,
// the sampler and the optimizer call them, so models do not depend on the number of ranks. Names are NCCL's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace engine {

// The rows of `total` that a rank has: divided as evenly as possible, in order of rank. Batches are divided
// this way.
struct Shard {
  std::int64_t first, count;
};
inline Shard shard(std::int64_t total, int rank, int ranks) {
  const std::int64_t first = total * rank / ranks;
  return {first, total * (rank + 1) / ranks - first};
}

// The count of each rank's shard, times `each`: the counts of an all_gather.
inline std::vector<std::int64_t> shard_counts(std::int64_t total, int ranks, std::int64_t each = 1) {
  std::vector<std::int64_t> counts;
  for (int r = 0; r < ranks; ++r) counts.push_back(each * shard(total, r, ranks).count);
  return counts;
}

// Every rank must call the same collectives in the same order. A collective runs in order with the work on
// its tensor's stream. It throws RankError if it fails, or if another rank does not join within the
// communicator's timeout.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual Device device() const { return cpu; }  // where its tensors must be

  virtual void all_reduce_sum(const Tensor&) = 0;  // in place
  // (n_r,...) of each rank r -> (sum of n_r,...), in order of rank. counts: n_r of every rank; empty: the
  // same on every rank.
  virtual Tensor all_gather(const Tensor& rows, const std::vector<std::int64_t>& counts = {}) = 0;
  virtual Tensor reduce_scatter_sum(
      const Tensor& rows) = 0;                               // (size n,...) -> this rank's (n,...) of the sum
  virtual void broadcast(const Tensor&, int from_rank) = 0;  // in place
  virtual void barrier() = 0;

  // Starts an all-reduce that overlaps with later work. Only work launched after finish_all_reduces() may
  // read or write the tensor.
  virtual void begin_all_reduce_sum(const Tensor& t) { all_reduce_sum(t); }
  virtual void finish_all_reduces() {}

  // Aborts running collectives, so that a rank can exit after a failure, its own or another's. From then on a
  // wait for a collective throws a RankError with this text. Thread-safe.
  virtual void abort(const std::string& /*why*/) noexcept {}
};

// One rank: every collective is the identity.
Communicator& single();

// Another rank has died or does not answer. Exit code 75 (EX_TEMPFAIL): the run can be retried.
struct RankError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The text of every rank, in order of rank.
std::vector<std::string> exchange_texts(Communicator&, const std::string& own);

// Checks `counts`; replaces empty counts by the rows' own number on every rank.
std::vector<std::int64_t> gather_counts(const Communicator&, const Tensor& rows,
                                        const std::vector<std::int64_t>& counts);

}  // namespace engine
