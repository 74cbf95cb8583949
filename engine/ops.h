// Every public op of the engine, one source file and one card each. An op takes and returns tensors, checks
// its arguments, and records its gradient on the tape. Images are NHWC; convolution weights are KRSC (out,
// height, width, in). Activations may be f32, f64 or bf16; parameters, statistics and losses have the
// accumulator's type (f32 for bf16).
#pragma once

#include "engine/ranks/communicator.h"
#include "engine/tensor.h"
#include "kernels/augment/view.h"
#include "kernels/base/convolution_shape.h"

namespace engine {

// ---- element-wise ------------------------------------------------------------------------------

Tensor add(const Tensor& a, const Tensor& b);  // same shape and dtype
Tensor scale(const Tensor& x, double factor);  // factor x; also the weight of a loss in a sum of losses
Tensor exponential(const Tensor& x);           // e^x; f32 or f64
Tensor relu(const Tensor& x);
Tensor add_relu(const Tensor& a, const Tensor& b);  // relu(a + b) in one pass

Tensor bias_add(const Tensor& x, const Tensor& bias);   // x: (...,C), bias: (C)
Tensor bias_relu(const Tensor& x, const Tensor& bias);  // relu(x + bias) in one pass

Tensor cast(const Tensor& x, DType);  // between f32, f64 and bf16; the gradient is cast back

// ---- layout ------------------------------------------------------------------------------------

Tensor reshape(const Tensor& x, const Shape&);  // the same elements, no copy
Tensor nchw_to_nhwc(const Tensor& x);           // (N,C,H,W) -> (N,H,W,C); also OIHW -> KRSC for weights
Tensor nhwc_to_nchw(const Tensor& x);

// ---- reductions --------------------------------------------------------------------------------

Tensor sum(const Tensor& x);  // of all elements -> (1), in the accumulator's type
Tensor mean(const Tensor& x);

// ---- matrices and convolution ------------------------------------------------------------------

// y = x weight^T + bias. x: (N,I), weight: (O,I), bias: (O) or undefined -> (N,O).
// torch.nn.functional.linear.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

// x: (N,H,W,C), weight: (K,R,S,C) -> (N,P,Q,K). No bias, no dilation, no groups. Only tests choose the
// algorithm.
Tensor conv2d(const Tensor& x, const Tensor& weight, int stride, int padding,
              kernels::Algorithm = kernels::Algorithm::automatic);

// ---- normalization -----------------------------------------------------------------------------

enum class Mode { train, eval };

// Running statistics as torch.nn.BatchNorm2d keeps them: running = (1 - momentum) running + momentum batch,
// with the unbiased variance. Updated in place by batch_norm in train mode.
struct BatchNormState {
  Tensor running_mean, running_var;  // (C)
  Tensor num_batches_tracked;        // (1), i64
  double momentum = 0.1, eps = 1e-5;
};

// Fused into the same pass: relu(norm(x) + residual). An undefined residual means none.
struct BatchNormFusion {
  bool relu = false;
  Tensor residual = {};
  bool again = false;  // the result is not kept for backward but computed again from x, see recompute.h
};

// Parts of a batch that are normalized apart, as on that many devices without exchange: group g has the
// samples shard(samples, g, count). The running statistics take the mean over the groups.
struct NormGroups {
  int count = 1;
  std::int64_t samples = 0;  // x.dim(0) summed over all ranks, divided by shard(); used if count > 1
};

// x: (...,C), normalized over all other dimensions and, in train mode, over all ranks; weight, bias: (C).
// Ioffe & Szegedy 2015; biased variance inside, as torch.
Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, const BatchNormState&, Mode,
                  Communicator&, const BatchNormFusion& = {}, const NormGroups& = {});

// y_i = x_i / max(|x_i|, eps) for each row of x: (M,D). torch.nn.functional.normalize.
Tensor l2_normalize(const Tensor& x, double eps = 1e-12);

// ---- pooling -----------------------------------------------------------------------------------

Tensor max_pool2d(const Tensor& x, int kernel, int stride,
                  int padding);           // (N,H,W,C); padding counts as -infinity
Tensor global_avg_pool(const Tensor& x);  // (N,H,W,C) -> (N,C)

// ---- losses ------------------------------------------------------------------------------------

// SimCLR's loss (Chen et al. 2020, eq. 1), the mean over all 2N rows of all ranks. h: (2N,D), rows i and i +
// N are the two views of one image; they are normalized inside. tau: (1), the temperature, on the device; it
// may be learned. Memory is linear in N: the 2N x 2N similarities are never stored. `pairs` is N summed over
// all ranks, divided among them by shard(). 0: every rank has the same N.
Tensor nt_xent(const Tensor& h, const Tensor& tau, Communicator&, std::int64_t pairs = 0);

// How the 2N - 2 negatives of a row count in place of NT-Xent's sum of e^(s / tau) (docs/kernels/nt_xent.md,
// "Negatives"). The defaults are NT-Xent's. Not with `decoupled`: debias and hardness.
struct Negatives {
  double debias = 0;       // Chuang et al. 2020: the share tau+ of negatives that are of the row's own class
  double hardness = 0;     // Robinson et al. 2021: beta, a negative counts e^(beta s / tau) times
  double as_many = 0;      // EqCo, Zhu et al. 2020: alpha, the negatives count as this many; 0: as they are
  bool decoupled = false;  // DCL, Yeh et al. 2022: the positive pair is left out of the denominator
  bool operator==(const Negatives&) const = default;
};
// positive_weights: (N of this rank), what the attraction of each pair is multiplied with; only with
// `decoupled`. It gets no gradient. Undefined: 1.
Tensor nt_xent(const Tensor& h, const Tensor& tau, Communicator&, const Negatives&, std::int64_t pairs = 0,
               const Tensor& positive_weights = {});

// SupCon (Khosla et al. 2020, L_out, eq. 2): NT-Xent in which the positives of a row are all other rows of
// its class. h, tau and `pairs` as in nt_xent; labels: (2N), i32, the class of each row, equal in both views
// of an image. Memory is linear in N. With a class for each image it is NT-Xent.
Tensor sup_con(const Tensor& h, const Tensor& labels, const Tensor& tau, Communicator&,
               std::int64_t pairs = 0);

// InfoNCE (van den Oord et al. 2018; MoCo, He et al. 2020): row i of q finds its own key, row i of `keys`,
// among negatives: the other keys of all ranks (MoCo v3), or the rows of `queue` and no others (MoCo v2). The
// mean over the rows of all ranks, times weight. q, keys: (N,D), normalized inside; queue: (K,D), normalized.
// tau: (1). The gradient is of q and tau. Memory is linear in N and K.
struct InfoNceOptions {
  std::int64_t pairs = 0;  // N summed over all ranks, divided by shard(); 0: every rank has the same N
  double weight = 1;
  Tensor queue = {};  // read again by backward(): push new rows after it
  Negatives negatives = {};
};
Tensor info_nce(const Tensor& q, const Tensor& keys, const Tensor& tau, Communicator&,
                const InfoNceOptions& = {});

// |p_i / |p_i| - z_i / |z_i||^2 = 2 - 2 cos(p_i, z_i), the mean over the rows of all ranks, times weight
// (BYOL, Grill et al. 2020, eq. 2). p, z: (N,D). The gradient is of p only. `pairs` as in nt_xent.
Tensor cosine_loss(const Tensor& p, const Tensor& z, Communicator&, std::int64_t pairs = 0,
                   double weight = 1);

// Mean over rows of -log softmax(logits)[label]. logits: (N,C); labels: (N), i32, in 0 .. C-1.
Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& labels);

// DCLW's weights of the positives (Yeh et al. 2022): 2 - e_i / (the mean of e over the pairs of all ranks),
// e_i = exp(cos(h_i, h_{i + N}) / sigma): a von Mises-Fisher density, whose mean weight is 1. h: (2N,D) ->
// (N), of this rank's pairs. sigma: at least 0.05. `pairs` as in nt_xent. No gradient flows through it, as in
// lightly's code.
Tensor positive_weights(const Tensor& h, double sigma, Communicator&, std::int64_t pairs = 0);

// ---- without a gradient ------------------------------------------------------------------------

// The k largest of each row in descending order; ties go to the lower index. scores: (M,N), 1 <= k <= N.
struct TopK {
  Tensor values;   // (M,k)
  Tensor indices;  // (M,k), i32
};
TopK top_k(const Tensor& scores, int k);

// x = min(max(x, low), high), in place: a bound of a parameter. f32 or f64.
void clamp_values(const Tensor& x, double low, double high);

// Row i is row rows[i] of x. x: (M,D), rows: (N), i32, in 0 .. M-1, on the device of x -> (N,D).
Tensor take_rows(const Tensor& x, const Tensor& rows);

// Applies one random view per row of `views`: u8 (n, sizeof(kernels::View)), drawn by data/views.h. The 8-bit
// RGB images lie anywhere in `pixels`: u8. -> (n,size,size,3), normalized. Computes what
// torchvision.transforms.v2.functional does.
Tensor augment(const Tensor& pixels, const Tensor& views, int size, const kernels::Normalization&, DType,
               kernels::ViewRules = kernels::ViewRules::torchvision);

}  // namespace engine
