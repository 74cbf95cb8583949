#include "engine/ops.h"
#include "engine/tape.h"

namespace engine {

Tensor reshape(const Tensor& x, const Shape& shape) {
  require(shape.numel() == x.numel(), "reshape: ", x.shape(), " to ", shape, ", expected as many elements");
  return record("reshape", x.detach().view(shape), {x},
                [from = x.shape()](const Tensor& dy, Gradients& out) { out.give(0, dy.view(from)); });
}

}  // namespace engine
