#include "engine/optim/moving_average.h"

#include <algorithm>

#include "kernels/kernels.h"

namespace engine {

Tensor values_of_part(const Parameters& all, const Parameters& part) {
  std::int64_t first = -1;
  for (const Parameter& p : part.list()) {
    if (!p.trained) continue;
    const auto found = std::ranges::find(all.list(), p.name, &Parameter::name);
    require(found != all.list().end() && found->trained && found->value.shape() == p.value.shape(),
            "values_of_part: ", p.name, ": expected a parameter of shape ", p.value.shape(),
            " in both networks");
    if (first < 0) first = found->offset - p.offset;
    require(found->offset - p.offset == first, "values_of_part: ", p.name, " is ", found->offset - p.offset,
            " elements behind its place in the part, expected ", first, " as the parameters before it");
  }
  const std::int64_t count = part.values().numel();
  require(first >= 0 && first + count <= all.values().numel() && all.dtype() == part.dtype() &&
              all.device() == part.device(),
          "values_of_part: the part has ", count, " elements, the network ", all.values().numel());
  return all.values().slice_flat(first, {count});
}

MovingAverage::MovingAverage(const Tensor& values, const Tensor& average)
    : values_(values), average_(average), momentum_(values.device(), sizeof(double)) {
  require(values.shape() == average.shape() && values.dtype() == average.dtype() &&
              values.device() == average.device(),
          "MovingAverage: values are ", values.dtype(), " ", values.shape(), ", the average ",
          average.dtype(), " ", average.shape(), ", expected the same");
}

void MovingAverage::set_momentum(double momentum) {
  require(momentum >= 0 && momentum <= 1, "MovingAverage: momentum ", momentum, ", expected 0 to 1");
  momentum_.send(&momentum, sizeof momentum);
  has_momentum_ = true;
}

void MovingAverage::update() {
  require(has_momentum_, "MovingAverage: update() before set_momentum()");
  dispatch_f32_f64("MovingAverage", values_, [&](auto stream, auto zero) {
    using A = decltype(zero);
    kernels::moving_average(stream, values_.numel(), static_cast<const double*>(momentum_.data()),
                            values_.data<A>(), average_.data<A>());
  });
}

}  // namespace engine
