// Every kernel launcher of the project: the contract between kernels/ and engine/. One section a file.
//
// Pointers are memory of the stream's device, dense and row-major; images are NHWC, convolution filters KRSC.
// T is the storage type (float, double, bf16), A = acc_t<T> that of parameters, statistics and sums (float
// for bf16). Nothing here allocates, synchronises or keeps state; a workspace is an argument. `accumulate`
// adds to the output instead of overwriting it. Comments give the formula and the shape of each array.
#pragma once

#include <cstdint>

#include "kernels/augment/view.h"
#include "kernels/base/bf16.h"
#include "kernels/base/convolution_shape.h"
#include "kernels/base/stream.h"

namespace kernels {

// Kernels over (R,C) arrays cut the rows into slabs of this height, one a block, and merge the slabs' sums in
// order. The height depends on the shape alone, so that results do not depend on the device's size. There are
// at most 384 slabs: three blocks on each of a Hopper's 132 processors, all at once.
inline std::int64_t slab_height(std::int64_t R, std::int64_t C) {
  const std::int64_t wanted = 16384 / C > 32 ? 16384 / C : 32, least = (R + 383) / 384;
  return ((wanted > least ? wanted : least) + 15) / 16 * 16;
}
inline std::int64_t row_slabs(std::int64_t R, std::int64_t C) {
  const std::int64_t height = slab_height(R, C);
  return (R + height - 1) / height;
}

// ---- elementwise.cu ----------------------------------------------------------------------------

// y[i] = a[i] + b[i], i < n; y may be a or b
template <class Stream, class T>
void add(Stream, std::int64_t n, const T* a, const T* b, T* y);

// y[i] (+)= factor x[i]
template <class Stream, class T>
void scale(Stream, std::int64_t n, double factor, const T* x, T* y, bool accumulate);

// y[i] = max(x[i], 0)
template <class Stream, class T>
void relu(Stream, std::int64_t n, const T* x, T* y);

// dx[i] (+)= y[i] > 0 ? dy[i] : 0
template <class Stream, class T>
void relu_backward(Stream, std::int64_t n, const T* y, const T* dy, T* dx, bool accumulate);

// y[i] = max(a[i] + b[i], 0)
template <class Stream, class T>
void add_relu(Stream, std::int64_t n, const T* a, const T* b, T* y);

// y[r][c] = act(x[r][c] + bias[c]), r < R, c < C; act is ReLU or nothing
template <class Stream, class T>
void bias_add(Stream, std::int64_t R, std::int64_t C, bool relu, const T* x, const acc_t<T>* bias, T* y);

// sums[slab][c] = sum over the rows r of each slab of x[r][c]; x: (R,C), sums: (row_slabs(R, C),C).
// column_sum of `sums` then gives the sum over all rows.
template <class Stream, class T>
void slab_sums(Stream, std::int64_t R, std::int64_t C, const T* x, acc_t<T>* sums);

// y[i] = value, i < n
template <class Stream, class T>
void fill(Stream, std::int64_t n, double value, T* y);

// y[i] = e^x[i], i < n
template <class Stream, class T>
void exponential(Stream, std::int64_t n, const T* x, T* y);
// dx[i] (+)= y[i] dy[i]
template <class Stream, class T>
void exponential_backward(Stream, std::int64_t n, const T* y, const T* dy, T* dx, bool accumulate);

// x[i] = min(max(x[i], low), high), i < n
template <class Stream, class T>
void clamp_values(Stream, std::int64_t n, double low, double high, T* x);

// y[i] (+)= x[i], rounded to the type in the name; T is that of x
template <class Stream, class T>
void cast_to_f32(Stream, std::int64_t n, const T* x, float* y, bool accumulate);
template <class Stream, class T>
void cast_to_f64(Stream, std::int64_t n, const T* x, double* y, bool accumulate);
template <class Stream, class T>
void cast_to_bf16(Stream, std::int64_t n, const T* x, bf16* y, bool accumulate);

// ---- layout.cu ---------------------------------------------------------------------------------

// y[b][c][r] (+)= x[b][r][c]; x: (batch,rows,columns). NCHW to NHWC with (N, C, HW), and back with (N, HW,
// C).
template <class Stream, class T>
void transpose(Stream, std::int64_t batch, std::int64_t rows, std::int64_t columns, const T* x, T* y,
               bool accumulate);

// ---- gemm.cu -----------------------------------------------------------------------------------

// C (+)= op(A) op(B) for each matrix of a batch; C is (m,n), op(A) (m,k), op(B) (k,n), op = transpose or not;
// ld is the length of a stored row, stride the distance of two matrices of the batch. Sums are acc_t<TC>.
// Types (TA, TB, TC): (f32, f32, f32), (f64, f64, f64), (bf16, f32, bf16), (bf16, f32, f32), (bf16, bf16,
// f32). The vendor's library behind the same arguments is matmul() in kernels/vendor/matmul.h.
template <class Stream, class TA, class TB, class TC>
void gemm(Stream, bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
          const TA* a, std::int64_t lda, const TB* b, std::int64_t ldb, TC* c, std::int64_t ldc,
          bool accumulate, std::int64_t batch = 1, std::int64_t stride_a = 0, std::int64_t stride_b = 0,
          std::int64_t stride_c = 0);

// out[c] (+)= sum over r of x[r][c]; x: (rows,columns)
template <class Stream, class T>
void column_sum(Stream, std::int64_t rows, std::int64_t columns, const T* x, acc_t<T>* out, bool accumulate);

// ---- im2col.cu ---------------------------------------------------------------------------------
// The convolution is in kernels/convolution/convolution.h.

// columns[n][p][q][r][s][c] = x[n][p stride - padding + r][q stride - padding + s][c], 0 outside of the image
template <class Stream, class T>
void im2col(Stream, const ConvolutionShape&, const T* x, T* columns);

// dx[n][h][w][c] (+)= sum of the columns that im2col copies that element to
template <class Stream, class T>
void col2im(Stream, const ConvolutionShape&, const acc_t<T>* columns, T* dx, bool accumulate);

// ---- batch_norm.cu, batch_norm_backward.cu -----------------------------------------------------
// x is (R,C), normalized over its rows. statistics: (2C+1) = mean[C], rstd[C], the number of rows (of all
// ranks).

// partials[s] = mean[C], M2[C] = sum (x - mean)^2, count of slab s; partials: (slabs,2C+1)
template <class Stream, class T>
void batch_norm_statistics(Stream, std::int64_t R, std::int64_t C, const T* x, acc_t<T>* partials);

// merged (2C+1) = the moments of all parts, each of at least one row. A rank sends them to the others.
template <class Stream, class A>
void batch_norm_merge(Stream, std::int64_t parts, std::int64_t C, const A* partials, A* merged);

// statistics = those of all parts together, rstd = 1 / sqrt(M2 / n + eps);
// running_mean += momentum (mean - running_mean), running_var += momentum (M2 / (n - 1) - running_var),
// num_batches_tracked += 1
template <class Stream, class A>
void batch_norm_finalize(Stream, std::int64_t parts, std::int64_t C, double momentum, double eps,
                         const A* partials, A* statistics, A* running_mean, A* running_var,
                         std::int64_t* num_batches_tracked);

// The same for one group of rows that are normalized apart: statistics are those of the group. After the
// calls for groups 0, 1 .. groups - 1, in this order, the running statistics have moved to the mean of the
// groups', and num_batches_tracked has grown by 1.
template <class Stream, class A>
void batch_norm_finalize_group(Stream, std::int64_t parts, std::int64_t C, int group, int groups,
                               double momentum, double eps, const A* partials, A* statistics, A* running_mean,
                               A* running_var, std::int64_t* num_batches_tracked);

// statistics = running_mean, 1 / sqrt(running_var + eps), 1
template <class Stream, class A>
void batch_norm_running(Stream, std::int64_t C, double eps, const A* running_mean, const A* running_var,
                        A* statistics);

// y = act((x - mean) rstd weight + bias + residual); residual (R,C) may be null; act is ReLU or nothing
template <class Stream, class T>
void batch_norm_apply(Stream, std::int64_t R, std::int64_t C, bool relu, const T* x,
                      const acc_t<T>* statistics, const acc_t<T>* weight, const acc_t<T>* bias,
                      const T* residual, T* y);

// partials[s] = (sum dy', sum dy' xhat) over slab s, (slabs,2C); dy' = relu ? (y > 0 ? dy : 0) : dy. Without
// y the mask is that of weight xhat + bias. masked_dy (R,C), if not null, is set to dy'; it needs y,
// and may be dy itself.
template <class Stream, class T>
void batch_norm_backward_reduce(Stream, std::int64_t R, std::int64_t C, bool relu, const T* x, const T* y,
                                const T* dy, const acc_t<T>* statistics, const acc_t<T>* weight,
                                const acc_t<T>* bias, T* masked_dy, acc_t<T>* partials);

// sums (2C) = sum of the parts; dbias (+)= sums[:C], dweight (+)= sums[C:], each where not null
template <class Stream, class A>
void batch_norm_backward_sums(Stream, std::int64_t parts, std::int64_t C, const A* partials, A* sums,
                              A* dweight, bool accumulate_weight, A* dbias, bool accumulate_bias);

// dx (+)= weight rstd (dy' - sums[:C] / n - xhat sums[C:] / n), dy' as above; sums of all ranks
template <class Stream, class T>
void batch_norm_backward_apply(Stream, std::int64_t R, std::int64_t C, bool relu, const T* x, const T* y,
                               const T* dy, const acc_t<T>* statistics, const acc_t<T>* weight,
                               const acc_t<T>* bias, const acc_t<T>* sums, T* dx, bool accumulate);

// ---- reduce_sum.cu -----------------------------------------------------------------------------

// out[0] (+)= scale times the sum of x[i], i < n, in an order that depends on n only
inline constexpr std::int64_t reduce_sum_workspace = 1024;  // elements
template <class Stream, class T>
void reduce_sum(Stream, std::int64_t n, const T* x, double scale, acc_t<T>* out, bool accumulate,
                acc_t<T>* workspace);

// y[i] (+)= scale * value[0], i < n
template <class Stream, class T>
void fill_from(Stream, std::int64_t n, double scale, const acc_t<T>* value, T* y, bool accumulate);

// ---- l2_normalize.cu ---------------------------------------------------------------------------

// norm[i] = |x_i|, y_i = x_i / max(norm[i], eps); x, y: (rows,d), norm: (rows)
template <class Stream, class T>
void l2_normalize(Stream, std::int64_t rows, std::int64_t d, double eps, const T* x, T* y, acc_t<T>* norm);

// dx_i (+)= (dy_i - (y_i . dy_i) y_i) / norm[i]; dy_i / eps where norm[i] <= eps
template <class Stream, class T>
void l2_normalize_backward(Stream, std::int64_t rows, std::int64_t d, double eps, const T* y,
                           const acc_t<T>* norm, const T* dy, T* dx, bool accumulate);

// ---- the contrastive losses; the formulas are derived in docs/kernels/nt_xent.md ----------------

// A part of a matrix of similarities s_ij between unit vectors that are d long: this rank's rows, and all
// columns. first: nt_xent: the column of row 0, since rows and columns are the same vectors; info_nce: the
// column of row 0's positive, or `columns` if the positives are not among the columns. a = 1 / tau[0] in all
// formulas.
struct SimilarityShape {
  std::int64_t rows, first, columns, d;
};

// The number of parts that the columns are cut into, so that few rows still give many blocks.
inline int similarity_splits(const SimilarityShape& s) {
  const std::int64_t row_blocks = (s.rows + 63) / 64, column_blocks = (s.columns + 63) / 64;
  std::int64_t parts = row_blocks < 1024 ? 1024 / (row_blocks > 0 ? row_blocks : 1) : 1;
  if (parts > 8) parts = 8;
  const std::int64_t each = (column_blocks + parts - 1) / parts;  // no part may be empty
  return int((column_blocks + each - 1) / each);
}

// The number of columns of each part but the last: whole tiles.
inline std::int64_t similarity_part(const SimilarityShape& s) {
  const std::int64_t column_blocks = (s.columns + 63) / 64, parts = similarity_splits(s);
  return (column_blocks + parts - 1) / parts * 64;
}

// ---- nt_xent.cu --------------------------------------------------------------------------------

// M rows z_j of unit length from all ranks; this rank owns rows first .. first + rows, of which i and i +
// rows/2 are the views of one image (p(i) is the other one's number).
using NtXentShape = SimilarityShape;          // columns is M
inline constexpr double nt_xent_eps = 1e-12;  // a shorter row counts as this long, as in l2_normalize

// For each own row, over the columns j of a part that are neither i nor p(i), with b = sharpness a:
// sum = sum of e^(b (s_ij - top)), where top = 1 for b <= 34, else the largest s_ij.
// zt: (d,M), z transposed; sum, top: (splits,rows). NT-Xent has sharpness 1
template <class Stream, class T>
void nt_xent_row_sums(Stream, const NtXentShape&, double sharpness, const T* zt, const T* tau, T* sum,
                      T* top);

// For each own row, with d_i = 1 - s_ip as |z_i - z_p|^2 / 2, r_i and top_i of all parts, e_i =
// e^(a (s_ip - top_i)):
// loss[i] = log1p(r_i / e_i), weight[i] = 1 / (r_i + e_i), pull[i] = r_i / (r_i + e_i).
// norm: of the rows before normalization; all but sum and split_top: (rows)
template <class Stream, class T>
void nt_xent_rows(Stream, const NtXentShape&, const T* z, const T* norm, const T* tau, const T* sum,
                  const T* split_top, T* loss, T* top, T* weight, T* pull);

// How the negatives of a row count; the defaults are NT-Xent's. docs/kernels/nt_xent.md, "Negatives".
struct Negatives {
  double debias = 0;       // tau+ (Chuang et al. 2020)
  double hardness = 0;     // beta (Robinson et al. 2021)
  double factor = 1;       // of their sum: alpha / (M - 2) (EqCo, Zhu et al. 2020)
  bool decoupled = false;  // the positive is not in the denominator (DCL, Yeh et al. 2022)
};

// As nt_xent_rows, for other negatives. sum, split_top: of nt_xent_row_sums with sharpness 1 + hardness;
// flat_sum, flat_split_top: with sharpness `hardness`, unused if that is 0. The gradient then has the weights
// of both: weight and top with sharpness 1 + hardness, flat_weight and flat_top with sharpness `hardness`.
// positive_weight: (rows/2), of the own pairs' positives, only if decoupled, or null for 1. clamped: for rows
// whose debiased sum is at its lower bound, the bound's part of the denominator, else 0.
template <class Stream, class T>
void nt_xent_negatives(Stream, const NtXentShape&, const Negatives&, const T* z, const T* norm, const T* tau,
                       const T* sum, const T* split_top, const T* flat_sum, const T* flat_split_top,
                       const T* positive_weight, T* loss, T* top, T* weight, T* pull, T* flat_top,
                       T* flat_weight, T* clamped);

// dz_i (+)= sum over the columns j of a part of g_ij z_j, g_ij = e^(b (s_ij - top_i)) weight[i] + the same
// with i and j exchanged, g_ip = -(pull[i] + pull[p]), g_ii = 0; b = sharpness a. top, weight: (M); pull:
// (rows), or null for g_ip = 0; dz: (splits,rows,d)
template <class Stream, class T>
void nt_xent_backward(Stream, const NtXentShape&, double sharpness, bool accumulate, const T* z, const T* zt,
                      const T* tau, const T* top, const T* weight, const T* pull, T* dz);

// With g_i = dy[0] a / M times the sum of dz_i over the parts: dh_i (+)= (g_i - (z_i . g_i) z_i) / norm[i],
// and dtau[i] = -a / 2 (z_i . g_i) + dy[0] a^2 / M clamped[i], row i's part of tau's gradient; dz is
// overwritten. clamped, dh or dtau may be null.
template <class Stream, class T>
void nt_xent_jacobian(Stream, const NtXentShape&, const T* z, const T* norm, const T* tau, const T* dy,
                      const T* clamped, T* dz, T* dh, bool accumulate, T* dtau);

// ---- positive_weights.cu -----------------------------------------------------------------------

// e[i] = exp((cos(h_i, h_{i + pairs}) - 1) / sigma). h: (2 pairs,d), rows shorter than nt_xent_eps count as
// this long; e: (pairs)
template <class Stream, class T>
void pair_exponentials(Stream, std::int64_t pairs, std::int64_t d, double sigma, const T* h, T* e);

// weight[i] = 2 - e[i] count / total[0] (DCLW, Yeh et al. 2022). total: (1), the sum of e over `count`
// pairs; e, weight: (pairs)
template <class Stream, class T>
void positive_weights(Stream, std::int64_t pairs, std::int64_t count, const T* e, const T* total, T* weight);

// ---- sup_con.cu --------------------------------------------------------------------------------

// NT-Xent's rows and columns with labels: the positives of row i are the n_i other rows of its class, of
// which p(i) is one. labels: (M), of all rows; those of i and p(i) are equal.

// As nt_xent_row_sums with sharpness 1, and distance = sum of 1 - s_ij over the columns of row i's class that
// are neither i nor p(i). sum, top, distance: (splits,rows)
template <class Stream, class T>
void sup_con_row_sums(Stream, const NtXentShape&, const T* zt, const std::int32_t* labels, const T* tau,
                      T* sum, T* top, T* distance);

// As nt_xent_rows, but the loss is the mean of the positives' losses (L_out, eq. 2), and pull[i] = 1 / n_i -
// e_i / (r_i + e_i). share[i] = 1 / n_i.
template <class Stream, class T>
void sup_con_rows(Stream, const NtXentShape&, const T* z, const T* norm, const std::int32_t* labels,
                  const T* tau, const T* sum, const T* split_top, const T* distance, T* loss, T* top,
                  T* weight, T* pull, T* share);

// As nt_xent_backward with sharpness 1, overwriting dz; g_ij of a row and another positive than p(i) is less
// by share[i] + share[j] = 2 share[i].
template <class Stream, class T>
void sup_con_backward(Stream, const NtXentShape&, const T* z, const T* zt, const std::int32_t* labels,
                      const T* tau, const T* top, const T* weight, const T* pull, const T* share, T* dz);

// ---- info_nce.cu -------------------------------------------------------------------------------

// Rows q_i of unit length, their positives p_i, and keys k_j (columns), which are the negatives. The positive
// of row i may be column first + i, which is then left out of the sums.

// For each row, over the columns j of a part that are not its positive, with b = sharpness a:
// sum = sum of e^(b (s_ij - top)), where top = 1 for b <= 34, else the largest s_ij. qt: (d,rows), kt:
// (d,columns); sum, top: (splits,rows). InfoNCE has sharpness 1
template <class Stream, class T>
void info_nce_row_sums(Stream, const SimilarityShape&, double sharpness, const T* qt, const T* kt,
                       const T* tau, T* sum, T* top);

// For each row, with r_i and top_i of all parts and e_i = e^(a (q_i . p_i - top_i)), d_i = 1 - q_i . p_i as
// |q_i - p_i|^2 / 2: loss[i] = log1p(r_i / e_i), weight[i] = 1 / (r_i + e_i), pull[i] = r_i / (r_i + e_i).
// q, positive: (rows,d); norm, key_norm: of the rows of both before normalization
template <class Stream, class T>
void info_nce_rows(Stream, const SimilarityShape&, const T* q, const T* positive, const T* norm,
                   const T* key_norm, const T* tau, const T* sum, const T* split_top, T* loss, T* top,
                   T* weight, T* pull);

// As info_nce_rows, for other negatives, with the sums and results of nt_xent_negatives.
template <class Stream, class T>
void info_nce_negatives(Stream, const SimilarityShape&, const Negatives&, const T* q, const T* positive,
                        const T* norm, const T* key_norm, const T* tau, const T* sum, const T* split_top,
                        const T* flat_sum, const T* flat_split_top, T* loss, T* top, T* weight, T* pull,
                        T* flat_top, T* flat_weight, T* clamped);

// dq_i (+)= sum over the columns j of a part, without the positive, of e^(b (s_ij - top[i])) weight[i] k_j;
// b = sharpness a. k: (columns,d); top, weight: (rows); dq: (splits,rows,d)
template <class Stream, class T>
void info_nce_backward(Stream, const SimilarityShape&, double sharpness, bool accumulate, const T* qt,
                       const T* k, const T* kt, const T* tau, const T* top, const T* weight, T* dq);

// With g_i = scale dy[0] a (the sum of dq_i over the parts - pull[i] p_i):
// dh_i (+)= (g_i - (q_i . g_i) q_i) / norm[i], and dtau[i] = -a (q_i . g_i) + scale dy[0] a^2 clamped[i], row
// i's part of tau's gradient; dq is overwritten. clamped, dh or dtau may be null.
template <class Stream, class T>
void info_nce_jacobian(Stream, const SimilarityShape&, double scale, const T* q, const T* positive,
                       const T* norm, const T* pull, const T* tau, const T* dy, const T* clamped, T* dq,
                       T* dh, bool accumulate, T* dtau);

// ---- cosine_loss.cu ----------------------------------------------------------------------------

// With u = x / max(|x|, eps) for each row: loss[i] = |u(p_i) - u(z_i)|^2, which is 2 - 2 cos of two rows
// longer than eps. p, z: (rows,d); norm, z_norm: |p_i| and |z_i|
template <class Stream, class T>
void cosine_loss(Stream, std::int64_t rows, std::int64_t d, double eps, const T* p, const T* z, T* loss,
                 T* norm, T* z_norm);

// dp_i (+)= scale dy[0] times the gradient of loss[i]
template <class Stream, class T>
void cosine_loss_backward(Stream, std::int64_t rows, std::int64_t d, double eps, double scale, const T* p,
                          const T* z, const T* loss, const T* norm, const T* z_norm, const T* dy, T* dp,
                          bool accumulate);

// ---- augment.cu --------------------------------------------------------------------------------

// Makes n views of size x size pixels: y (n,size,size,3) = normalized view of an 8-bit RGB image in `pixels`;
// see kernels/augment/view.h. Values are rounded to 8 bits between ops as by
// torchvision.transforms.v2.functional.
template <class Stream, class T>
void augment(Stream, std::int64_t n, int size, const std::uint8_t* pixels, const View* views,
             const Normalization&, T* y);

// ---- augment_f32.cu ----------------------------------------------------------------------------

// The same by the rules ViewRules::tensorflow, where view.antialias is not used. work: augment_f32_blocks(n)
// times 6 size^2 values
inline std::int64_t augment_f32_blocks(std::int64_t n) {
  return n < 264 ? n : 264;  // two on each of a Hopper's 132 processors
}
template <class Stream, class T>
void augment_f32(Stream, std::int64_t n, int size, const std::uint8_t* pixels, const View* views,
                 const Normalization&, float* work, T* y);

// ---- pool.cu -----------------------------------------------------------------------------------

// x: (N,H,W,C), y: (N,P,Q,C); P = (H + 2 padding - kernel) / stride + 1, and Q likewise of W.
struct PoolShape {
  std::int64_t N, H, W, C;
  int kernel, stride, padding;  // kernel at most 15, padding at most kernel / 2
  std::int64_t P() const { return (H + 2 * padding - kernel) / stride + 1; }
  std::int64_t Q() const { return (W + 2 * padding - kernel) / stride + 1; }
};

// y = the largest element of each window, indices (N,P,Q,C) = its place r kernel + s in it, the first among
// equals; NaN is larger than any number
template <class Stream, class T>
void max_pool2d(Stream, const PoolShape&, const T* x, T* y, std::uint8_t* indices);

// dx[i] (+)= sum of dy over the windows whose largest element is x[i]
template <class Stream, class T>
void max_pool2d_backward(Stream, const PoolShape&, const T* dy, const std::uint8_t* indices, T* dx,
                         bool accumulate);

// y[n][c] = 1/S sum over s of x[n][s][c]; x: (N,S,C), S = H W
template <class Stream, class T>
void global_avg_pool(Stream, std::int64_t N, std::int64_t S, std::int64_t C, const T* x, T* y);

// dx[n][s][c] (+)= dy[n][c] / S
template <class Stream, class T>
void global_avg_pool_backward(Stream, std::int64_t N, std::int64_t S, std::int64_t C, const T* dy, T* dx,
                              bool accumulate);

// ---- optimizer.cu ------------------------------------------------------------------------------
// Flat arrays of values, gradients and state, cut into chunks of at most 16,384 elements; table: (chunks).

// A piece of one parameter. decayed: it has weight decay and LARS adapts it (not biases and normalization).
struct OptimizerChunk {
  std::int64_t begin, count;   // elements of the flat arrays
  std::int64_t first, chunks;  // the chunks of the whole parameter
  std::int64_t decayed;        // 0 or 1
};

// With g = gradient + weight_decay w: v = momentum v + g; w -= lr v, or lr (g + momentum v) (Nesterov).
// torch.optim.SGD.
template <class Stream, class A>
void sgd(Stream, std::int64_t chunks, const OptimizerChunk* table, double momentum, double weight_decay,
         bool nesterov, const double* learning_rate, const A* gradients, A* velocities, A* values);

// partials[chunk] = sum w^2, sum (gradient + decay w)^2 of decayed chunks; partials: (chunks,2)
template <class Stream, class A>
void lars_norms(Stream, std::int64_t chunks, const OptimizerChunk* table, double decay, const A* gradients,
                const A* values, A* partials);

// g = ratio (gradient + weight_decay w); ratio is 1 for chunks that are not decayed and for zero norms, else
//   google:  eta |w| / |gradient + weight_decay w|, and v = momentum v + lr g, w -= v
//   else:    eta |w| / (|gradient| + weight_decay |w| + eps), and v = momentum v + g, w -= lr v
// partials: those of lars_norms with decay = weight_decay (google) or 0.
template <class Stream, class A>
void lars(Stream, std::int64_t chunks, const OptimizerChunk* table, bool google, double momentum,
          double weight_decay, double eta, double eps, bool nesterov, const double* learning_rate,
          const A* gradients, const A* partials, A* velocities, A* values);

// step += 1; m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; w = (1 - lr weight_decay) w
//   - lr m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps). rates: (3), workspace. torch.optim.AdamW.
template <class Stream, class A>
void adamw(Stream, std::int64_t chunks, const OptimizerChunk* table, double beta1, double beta2, double eps,
           double weight_decay, const double* learning_rate, std::int64_t* step, double* rates,
           const A* gradients, A* first, A* second, A* values);

// ---- moving_average.cu -------------------------------------------------------------------------

// average[i] = m average[i] + (1 - m) x[i] with m = momentum[0], computed as
// average + (1 - m) (x - average)
template <class Stream, class A>
void moving_average(Stream, std::int64_t n, const double* momentum, const A* x, A* average);

// ---- row_queue.cu ------------------------------------------------------------------------------

// A ring of `capacity` rows that are d long: row (cursor[0] + i) mod capacity of `queue` = row i of x, i < n,
// then cursor[0] = (cursor[0] + n) mod capacity. n <= capacity
template <class Stream, class T>
void row_queue_push(Stream, std::int64_t n, std::int64_t capacity, std::int64_t d, const T* x, T* queue,
                    std::int64_t* cursor);

// ---- take_rows.cu ------------------------------------------------------------------------------

// y_i = x_row[i], i < n; rows are d long, row: (n), each a row of x
template <class Stream, class T>
void take_rows(Stream, std::int64_t n, std::int64_t d, const T* x, const std::int32_t* row, T* y);

// ---- softmax_cross_entropy.cu ------------------------------------------------------------------

// log_sum[i] = log sum over c of e^(x_ic), loss[i] = log_sum[i] - x_i,label[i] (NaN if there is no such
// class); logits: (rows,classes)
template <class Stream, class T>
void softmax_cross_entropy(Stream, std::int64_t rows, std::int64_t classes, const T* logits,
                           const std::int32_t* labels, T* loss, T* log_sum);

// dx_ic (+)= dy[0] / rows (e^(x_ic - log_sum[i]) - [c = label[i]])
template <class Stream, class T>
void softmax_cross_entropy_backward(Stream, std::int64_t rows, std::int64_t classes, const T* logits,
                                    const std::int32_t* labels, const T* log_sum, const T* dy, T* dx,
                                    bool accumulate);

// ---- top_k.cu ----------------------------------------------------------------------------------

// The k largest of each row, descending, among equals the lower index first; NaN counts as largest.
// scores: (rows,n), 1 <= k <= n < 2^31; values, indices and both workspaces: (rows,k)
template <class Stream, class T>
void top_k(Stream, std::int64_t rows, std::int64_t n, int k, const T* scores, T* values,
           std::int32_t* indices, T* value_workspace, std::int32_t* index_workspace);

}  // namespace kernels
