// Collectives between the processes of one run, one process a device. Batch norm, the loss, the sampler and
// the optimizer ask it, so that more ranks come without touching models. Names are NCCL's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace engine {

// Which rows of `total` a rank has: as even as can be, in order of rank. Batches are divided so.
struct Shard {
  std::int64_t first, count;
};
inline Shard shard(std::int64_t total, int rank, int ranks) {
  const std::int64_t first = total * rank / ranks;
  return {first, total * (rank + 1) / ranks - first};
}

// Every rank must call the same collectives in the same order, each in order with the work on its tensor's
// stream. A collective that fails, or whose other ranks do not come within the communicator's timeout, throws
// RankError.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual Device device() const { return cpu; }  // where tensors that are made for it should be

  virtual void all_reduce_sum(const Tensor&) = 0;  // in place
  // (n_r,...) of each rank r -> (sum of n_r,...), in order of rank. counts: n_r of every rank; empty: as many
  // on each.
  virtual Tensor all_gather(const Tensor& rows, const std::vector<std::int64_t>& counts = {}) = 0;
  virtual Tensor reduce_scatter_sum(
      const Tensor& rows) = 0;                               // (size n,...) -> this rank's (n,...) of the sum
  virtual void broadcast(const Tensor&, int from_rank) = 0;  // in place
  virtual void barrier() = 0;

  // An all-reduce that runs beside the work that is asked for afterwards. The tensor is done, and may be
  // touched again, for work asked for after finish_all_reduces().
  virtual void begin_all_reduce_sum(const Tensor& t) { all_reduce_sum(t); }
  virtual void finish_all_reduces() {}

  // Gives up what is under way, so that a rank that has failed can leave. Nothing may be asked for
  // afterwards.
  virtual void abort() noexcept {}
};

// One rank: every collective is the identity.
Communicator& single();

// Another rank is lost or does not answer: exit code 75, try again.
struct RankError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What every rank says, in order of rank.
std::vector<std::string> exchange_texts(Communicator&, const std::string& own);

// n rows on every rank: what empty counts stand for.
std::vector<std::int64_t> gather_counts(const Communicator&, const Tensor& rows,
                                        const std::vector<std::int64_t>& counts);

}  // namespace engine
