#include "engine/memory/row_queue.h"

#include <cmath>

#include "engine/random.h"
#include "kernels/kernels.h"

namespace engine {

RowQueue::RowQueue(std::int64_t capacity, std::int64_t width, DType dtype, Device device, std::uint64_t seed,
                   std::uint32_t number)
    : cursor_(zeros({1}, DType::i64, device)) {
  require(capacity >= 1 && width >= 1, "RowQueue: ", capacity, " rows of ", width,
          ", expected at least 1 of 1");
  require(dtype == DType::f32 || dtype == DType::f64, "RowQueue: dtype ", dtype, ", expected f32 or f64");
  std::vector<double> values(std::size_t(capacity * width));
  for (std::int64_t i = 0; i < capacity; ++i) {
    Random random(seed, std::uint32_t(i), number, 0x9E0E);
    double* row = values.data() + i * width;
    double square = 0;
    for (std::int64_t k = 0; k < width; ++k) row[k] = random.normal(), square += row[k] * row[k];
    for (std::int64_t k = 0; k < width; ++k) row[k] /= std::sqrt(square);
  }
  rows_ = from_vector({capacity, width}, values, dtype, device);
}

void RowQueue::push(const Tensor& rows) const {
  require(rows.shape().rank() == 2 && rows.dim(0) <= rows_.dim(0) && rows.dim(1) == rows_.dim(1) &&
              rows.dtype() == rows_.dtype(),
          "RowQueue: rows are ", rows.dtype(), " ", rows.shape(), ", the queue ", rows_.dtype(), " ",
          rows_.shape());
  dispatch_f32_f64("RowQueue", rows_, [&](auto stream, auto zero) {
    using T = decltype(zero);
    kernels::row_queue_push(stream, rows.dim(0), rows_.dim(0), rows_.dim(1), rows.data<T>(), rows_.data<T>(),
                            cursor_.data<std::int64_t>());
  });
}

}  // namespace engine
