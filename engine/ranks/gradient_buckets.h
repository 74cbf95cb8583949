// Sums the gradients of all ranks while backward still runs: as soon as every gradient of a bucket, a range
// of the flat buffer, is there, its all-reduce begins. The buffer is laid out in backward order, so buckets
// fill one after the other (Li et al. 2020, "PyTorch Distributed").
#pragma once

#include <map>
#include <vector>

#include "engine/optim/parameters.h"
#include "engine/ranks/communicator.h"

namespace engine {

class GradientBuckets {
 public:
  // bytes: of a bucket, at least; the first is an eighth of that, so that something begins early. The
  // division depends on the parameters alone: sums are the same in every run. 0: one sum after backward, no
  // overlap.
  GradientBuckets(const Parameters&, Communicator&, std::int64_t bytes = 4 << 20);

  // d loss / d parameters, begun to be summed over the ranks.
  void backward(const Tensor& loss);
  // The sums are in the flat buffer for what is asked for afterwards.
  void finish();

  std::size_t count() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::int64_t begin, end;  // elements of the flat buffer
    int parameters = 0;
  };
  void done(const Node& leaf, std::vector<int>& missing);

  const Parameters& parameters_;
  Communicator& communicator_;
  std::vector<Bucket> buckets_;
  std::map<const Node*, std::size_t> bucket_of_;
  bool overlap_;
};

}  // namespace engine
