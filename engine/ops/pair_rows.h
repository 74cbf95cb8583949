// What the losses over two views of each image begin and end with (nt_xent, sup_con): the rows of all ranks
// at unit length, and the gradient of the own ones.
#pragma once

#include <vector>

#include "engine/ops.h"
#include "engine/tape.h"
#include "kernels/kernels.h"

namespace engine {

struct PairRows {
  kernels::NtXentShape shape;
  std::int64_t splits;
  std::vector<std::int64_t> counts;  // rows of each rank
  Tensor norm;                       // (rows), of the own rows before normalization
  Tensor z, zt;                      // all rows at unit length (M,D), and transposed (D,M)

  Tensor make(Shape s) const { return Tensor(s, z.dtype(), z.device()); }
};

// Checks h: (2n,D) and tau: (1), and gathers the rows. pairs: N of all ranks; 0: n on every rank. op: for the
// error's text.
PairRows pair_rows(const char* op, const Tensor& h, const Tensor& tau, Communicator&, std::int64_t pairs);

// The gradients of h and tau, inputs 0 and 1 of the op, from dz: (splits,rows,D), which is overwritten.
// clamped may be undefined (kernels::nt_xent_jacobian).
void store_pair_gradients(const PairRows&, const Tensor& tau, const Tensor& dy, const Tensor& clamped,
                          const Tensor& dz, Gradients& out);

}  // namespace engine
