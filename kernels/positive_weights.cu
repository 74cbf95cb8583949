// The weights of DCLW's positives (Yeh et al. 2022): a pair whose views are alike already counts less, by a
// von Mises-Fisher density of its similarity over the mean of all pairs.
#include "kernels/kernels.h"
#include "kernels/tiles/warp_rows.h"

namespace kernels {
namespace {

// A warp a pair.
template <int NT, class A>
__global__ void __launch_bounds__(NT)
    pair_exponentials_kernel(std::int64_t pairs, std::int64_t d, A sigma, const A* h, A* e) {
  const std::int64_t i = warp_row<NT>();
  if (i >= pairs) return;
  const A *x = h + i * d, *y = h + (i + pairs) * d;
  A xx = A(0), yy = A(0), xy = A(0);
  for (std::int64_t k = row_thread<NT>(); k < d; k += row_threads<NT>)
    xx += x[k] * x[k], yy += y[k] * y[k], xy += x[k] * y[k];
  const A x_length = sqrt(warp_sum<NT>(xx)), y_length = sqrt(warp_sum<NT>(yy));
  xy = warp_sum<NT>(xy);
  if (row_thread<NT>() != 0) return;
  const A least = A(nt_xent_eps);
  const A s = xy / (x_length > least ? x_length : least) / (y_length > least ? y_length : least);
  e[i] = exp((s - A(1)) / sigma);
}

template <int NT, class A>
__global__ void __launch_bounds__(NT)
    positive_weights_kernel(std::int64_t pairs, A count, const A* e, const A* total, A* weight) {
  for_each<NT>(pairs, [=](std::int64_t i) { weight[i] = A(2) - e[i] * count / total[0]; });
}

}  // namespace

template <class Stream, class T>
void pair_exponentials(Stream stream, std::int64_t pairs, std::int64_t d, double sigma, const T* h, T* e) {
  constexpr int NT = threads<Stream>(128);
  launch<pair_exponentials_kernel<NT, T>>(stream, warp_rows_grid<NT>(pairs), pairs, d, T(sigma), h, e);
}

template <class Stream, class T>
void positive_weights(Stream stream, std::int64_t pairs, std::int64_t count, const T* e, const T* total,
                      T* weight) {
  constexpr int NT = threads<Stream>(256);
  launch<positive_weights_kernel<NT, T>>(stream, grid_for<NT>(pairs), pairs, T(count), e, total, weight);
}

INSTANTIATE(pair_exponentials)
INSTANTIATE(positive_weights)

}  // namespace kernels
