// The card of the row queue's launcher. It is not differentiated.
#include "engine/memory/row_queue.h"

#include "engine/check/op_case.h"

namespace engine {
namespace {

// The shape is (capacity, width, rows of a push). Two pushes; the second may begin anew at row 0.
Tensors row_queue_pushes(const Tensors& in) {
  const RowQueue queue(in[0].dim(0), in[0].dim(1), in[0].dtype(), in[0].device(), 0);
  copy_bytes(queue.rows().raw(), queue.rows().device(), in[0].raw(), in[0].device(), in[0].bytes());
  queue.push(in[1]);
  queue.push(in[2]);
  return {queue.rows()};
}

Tensors row_queue_reference(const Tensors& in) {
  std::vector<double> rows = in[0].to_vector();
  std::size_t place = 0;
  for (const Tensor& x : {in[1], in[2]})
    for (const double value : x.to_vector()) {
      rows[place] = value;
      place = (place + 1) % rows.size();
    }
  return {from_vector(in[0].shape(), rows, DType::f64)};
}

const AddCase row_queue_case{{
    .name = "row_queue_push",
    .inputs =
        [](const Shape& s, Random& r) {
          return Tensors{uniform({s[0], s[1]}, r), uniform({s[2], s[1]}, r), uniform({s[2], s[1]}, r)};
        },
    .apply = row_queue_pushes,
    .check = {{1, 1, 1}, {5, 3, 4}, {300, 2, 130}},
    .bench = {{4096, 128, 256}},
    .reference = row_queue_reference,
}};

}  // namespace
}  // namespace engine
