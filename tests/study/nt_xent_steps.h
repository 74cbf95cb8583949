// Two earlier versions of NT-Xent's two passes; the current ones are nt_xent_row_sums and nt_xent_backward in
// kernels/kernels.h. For one rank and tau >= 1/34. See docs/kernels/nt_xent.md, "Versions".
#pragma once

#include "kernels/kernels.h"

namespace kernels::study {

// matrix[i][j] = z_i . z_j, one thread per element; matrix: (M,M)
template <class Stream, class T>
void similarities(Stream, const NtXentShape&, const T* z, T* matrix);

// One warp per row. Similarities come from `matrix`, or are recomputed from z if `matrix` is null.
template <class Stream, class T>
void row_sums(Stream, const NtXentShape&, const T* z, const T* matrix, const T* tau, T* sum, T* top);
template <class Stream, class T>
void backward(Stream, const NtXentShape&, const T* z, const T* matrix, const T* tau, const T* weight,
              const T* pull, T* dz);

}  // namespace kernels::study
