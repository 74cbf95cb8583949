// Collectives between the processes of one run, one process a device. Batch norm, the loss, the sampler and
// the optimizer ask it, so that more ranks come without touching models. Names are NCCL's.
#pragma once

#include <memory>

#include "engine/tensor.h"

namespace engine {

class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;

  // In order with the work on the tensor's stream. Every rank must call them, in the same order.
  virtual void all_reduce_sum(const Tensor&) = 0;            // in place
  virtual Tensor all_gather(const Tensor& rows) = 0;         // (n,...) -> (size*n,...), in order of rank
  virtual void broadcast(const Tensor&, int from_rank) = 0;  // in place
  virtual void barrier() = 0;
};

// One rank: every collective is the identity.
Communicator& single();

}  // namespace engine
