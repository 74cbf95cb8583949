// The numbers of a row whose negatives don't count as in NT-Xent: decoupled, debiased, hard, or as many as
// wanted. docs/kernels/nt_xent.md, "Negatives".
#pragma once

#include "kernels/tiles/similarity_tiles.h"

namespace kernels::inline KERNELS_COMPILER {

// Writes the loss of row i and what its gradient needs. `count`: of its negatives; distance: 1 - s of its
// positive, which attracts it `attraction` times. flat_sum and flat_split_top are read only if n.hardness >
// 0. One thread calls it.
template <class A>
__device__ __forceinline__ void finish_negatives(std::int64_t rows, int splits, std::int64_t i,
                                                 const Negatives& n, A count, A distance, A attraction,
                                                 const A* tau, const A* sum, const A* split_top,
                                                 const A* flat_sum, const A* flat_split_top, A* loss, A* top,
                                                 A* weight, A* pull, A* flat_top, A* flat_weight,
                                                 A* clamped) {
  const A a = Temperature<A>(tau[0]).a, positive = A(1) - distance, beta = A(n.hardness);
  const A own = A(1) - A(n.debias);
  const A sharp = Temperature<A>(tau[0], A(1) + beta).a, flat = Temperature<A>(tau[0], beta).a;
  const RowTotal<A> h =
      merge_splits(rows, splits, i, sharp, beta > A(0) ? lowest<A> : positive, sum, split_top);
  RowTotal<A> b{A(1), A(1)};
  A reference = h.top, repulsion = h.total;  // the negatives' sum is repulsion e^(a reference)
  if (beta > A(0)) {
    b = merge_splits(rows, splits, i, flat, lowest<A>, flat_sum, flat_split_top);
    if (positive > reference) reference = positive;
    repulsion = count * h.total / b.total * exp(sharp * h.top - flat * b.top - a * reference);
  }
  // as in finish_row: 1 - s of the pair does not cancel
  const A below = reference == A(1) ? a * distance : a * (reference - positive), pair = exp(-below);
  const A rest = A(n.factor) * repulsion / own, least = count * exp(-a * (A(1) + reference));
  A sum_of_negatives = rest - A(n.debias) * count / own * pair;
  const bool at_least = n.debias > 0 && !(sum_of_negatives > least);
  if (at_least) sum_of_negatives = least;
  const A all = n.decoupled ? sum_of_negatives : pair + sum_of_negatives;
  loss[i] = n.decoupled     ? below + log(all)
            : below < A(70) ? log1p(sum_of_negatives / pair)
                            : below + log(all);
  loss[i] += (A(1) - attraction) * a * positive;
  const A each = at_least ? A(0) : A(n.factor) / own / all;
  pull[i] = n.decoupled ? attraction : (at_least ? sum_of_negatives : rest) / all;
  clamped[i] = at_least ? sum_of_negatives / all : A(0);
  top[i] = h.top;
  weight[i] = beta > A(0) ? each * (A(1) + beta) * repulsion / h.total : each;
  flat_top[i] = b.top;
  flat_weight[i] = -each * beta * repulsion / b.total;
}

}  // namespace kernels::inline KERNELS_COMPILER
