#include "engine/communicator.h"

namespace engine {
namespace {

class Single : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  void all_reduce_sum(const Tensor&) override {}
  Tensor all_gather(const Tensor& rows) override { return rows; }
  void broadcast(const Tensor&, int from_rank) override {
    require(from_rank == 0, "broadcast: rank ", from_rank, " of 1");
  }
  void barrier() override {}
};

}  // namespace

Communicator& single() {
  static Single communicator;
  return communicator;
}

}  // namespace engine
