// A ring of rows on the device, whose oldest rows are replaced: MoCo's queue of keys.
#pragma once

#include "engine/tensor.h"

namespace engine {

class RowQueue {
 public:
  // Begins with random directions of unit length, drawn by (seed, number). dtype: f32 or f64.
  RowQueue(std::int64_t capacity, std::int64_t width, DType, Device, std::uint64_t seed,
           std::uint32_t number = 0);

  // Replaces the oldest rows. rows: (n,width), n <= capacity. Only launches, the same in each call.
  // A loss that has read rows() reads them again in backward(), so push after it.
  void push(const Tensor& rows) const;

  const Tensor& rows() const { return rows_; }      // (capacity,width)
  const Tensor& cursor() const { return cursor_; }  // (1), i64: the oldest row, which is replaced next

 private:
  Tensor rows_, cursor_;
};

}  // namespace engine
