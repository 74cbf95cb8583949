// Sums the gradients of all ranks while backward still runs. A bucket is a range of the flat buffer; its
// all-reduce starts as soon as all its gradients are complete. The buffer is laid out in backward order, so
// buckets fill one after the other (Li et al. 2020, "PyTorch Distributed").
#pragma once

#include <map>
#include <vector>

#include "engine/optim/parameters.h"
#include "engine/ranks/communicator.h"

namespace engine {

class GradientBuckets {
 public:
  // bytes: the least size of a bucket. The first bucket is an eighth of that, so that communication starts
  // early. Buckets depend on the parameters alone, so sums are reproducible. 0: one sum after backward, no
  // overlap.
  GradientBuckets(const Parameters&, Communicator&, std::int64_t bytes = 4 << 20);

  // Computes d loss / d parameters and starts the all-reduces.
  void backward(const Tensor& loss);
  // Work launched after this call finds the sums in the flat buffer.
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
