// Optimizers over flat buffers. The buffers are cut into chunks, one a block, so that a step is one launch
// (two where norms come first) for any number of parameters. Learning rate and step counter are read from the
// device's memory, so all steps are launched with equal arguments.
#include "kernels/kernels.h"
#include "kernels/simt.h"

namespace kernels {
namespace {

// Calls f(i) for the elements of this block's chunk.
template <int NT, class F>
__device__ __forceinline__ void for_chunk(const OptimizerChunk& chunk, F f) {
  const std::int64_t end = chunk.begin + chunk.count;
  if constexpr (NT == 1) {
    for (std::int64_t i = chunk.begin; i < end; ++i) f(i);
  } else {
    constexpr int U = 4;  // loads in flight
    std::int64_t i = chunk.begin + threadIdx.x;
    for (; i + (U - 1) * NT < end; i += U * NT) {
      UNROLL for (int u = 0; u < U; ++u) f(i + u * NT);
    }
    for (; i < end; i += NT) f(i);
  }
}

// Replaces a[0] and a[1] of every thread by their sums over the block, which are added in a fixed order.
template <int NT, class A>
__device__ __forceinline__ void block_sums(A (&a)[2]) {
  if constexpr (NT > 1) {
    SHARED(A, tile, [2][NT]);
    __syncthreads();
    tile[0][threadIdx.x] = a[0];
    tile[1][threadIdx.x] = a[1];
    for (int half = NT / 2; half > 0; half /= 2) {
      __syncthreads();
      if (int(threadIdx.x) < half)
        for (int k = 0; k < 2; ++k) tile[k][threadIdx.x] += tile[k][threadIdx.x + half];
    }
    __syncthreads();
    a[0] = tile[0][0];
    a[1] = tile[1][0];
  }
}

template <int NT, class A>
__global__ void __launch_bounds__(NT)
    sgd_kernel(const OptimizerChunk* __restrict__ chunks, A momentum, A weight_decay, bool nesterov,
               const double* __restrict__ learning_rate, const A* __restrict__ gradients,
               A* __restrict__ velocities, A* __restrict__ values) {
  const OptimizerChunk chunk = chunks[blockIdx.x];
  const A lr = A(*learning_rate), decay = chunk.decayed ? weight_decay : A(0);
  for_chunk<NT>(chunk, [=](std::int64_t i) {
    const A w = values[i], g = gradients[i] + decay * w, v = momentum * velocities[i] + g;
    velocities[i] = v;
    values[i] = w - lr * (nesterov ? g + momentum * v : v);
  });
}

// partials[chunk] = (sum w^2, sum (g + decay w)^2); decay is the weight decay in google's convention, else 0.
template <int NT, class A>
__global__ void __launch_bounds__(NT)
    lars_norms_kernel(const OptimizerChunk* __restrict__ chunks, A decay, const A* __restrict__ gradients,
                      const A* __restrict__ values, A* __restrict__ partials) {
  const OptimizerChunk chunk = chunks[blockIdx.x];
  if (!chunk.decayed) return;  // LARS does not adapt it, so its norms are not read
  A sums[2] = {};
  for_chunk<NT>(chunk, [&, gradients, values](std::int64_t i) {
    const A w = values[i], g = gradients[i] + decay * w;
    sums[0] += w * w;
    sums[1] += g * g;
  });
  block_sums<NT>(sums);
  if (threadIdx.x == 0) {
    partials[2 * blockIdx.x] = sums[0];
    partials[2 * blockIdx.x + 1] = sums[1];
  }
}

template <int NT, class A>
__global__ void __launch_bounds__(NT)
    lars_kernel(const OptimizerChunk* __restrict__ chunks, bool google, A momentum, A weight_decay, A eta,
                A eps, bool nesterov, const double* __restrict__ learning_rate,
                const A* __restrict__ gradients, const A* __restrict__ partials, A* __restrict__ velocities,
                A* __restrict__ values) {
  const OptimizerChunk chunk = chunks[blockIdx.x];
  const A lr = A(*learning_rate);
  A decay = A(0), ratio = A(1);
  if (chunk.decayed) {
    A sums[2] = {};
    for (std::int64_t p = threadIdx.x; p < chunk.chunks; p += NT)
      for (int k = 0; k < 2; ++k) sums[k] += partials[2 * (chunk.first + p) + k];
    block_sums<NT>(sums);
    const A w = sqrt(sums[0]), g = sqrt(sums[1]);
    const bool adapted = w > A(0) && g > A(0);
    if (google) {
      decay = weight_decay;
      if (adapted) ratio = eta * w / g;
    } else if (adapted) {
      decay = weight_decay;
      ratio = eta * w / (g + weight_decay * w + eps);
    }
  }
  // The learning rate scales what is added to the velocity (google), or the velocity.
  const A inside = google ? lr * ratio : ratio, outside = google ? A(1) : lr;
  for_chunk<NT>(chunk, [=](std::int64_t i) {
    const A w = values[i], g = inside * (gradients[i] + decay * w), v = momentum * velocities[i] + g;
    velocities[i] = v;
    values[i] = w - outside * (nesterov ? g + momentum * v : v);
  });
}

// One thread advances the step and computes what every block of the next launch reads: the factor of weight
// decay, the learning rate with the first bias correction, and the second bias correction.
__global__ void adamw_advance_kernel(double beta1, double beta2, double weight_decay,
                                     const double* learning_rate, std::int64_t* step, double* rates) {
  const double t = double(++*step);
  rates[0] = 1 - *learning_rate * weight_decay;
  rates[1] = *learning_rate / (1 - pow(beta1, t));
  rates[2] = 1 / sqrt(1 - pow(beta2, t));
}

template <int NT, class A>
__global__ void __launch_bounds__(NT, 1)
    adamw_kernel(const OptimizerChunk* __restrict__ chunks, A beta1, A beta2, A rest1, A rest2, A eps,
                 const double* __restrict__ rates, const A* __restrict__ gradients, A* __restrict__ first,
                 A* __restrict__ second, A* __restrict__ values) {
  const OptimizerChunk chunk = chunks[blockIdx.x];
  const A keep = chunk.decayed ? A(rates[0]) : A(1), rate = A(rates[1]);
  const A correction = A(rates[2]);
  for_chunk<NT>(chunk, [=](std::int64_t i) {
    const A g = gradients[i], m = beta1 * first[i] + rest1 * g, v = beta2 * second[i] + rest2 * g * g;
    first[i] = m;
    second[i] = v;
    values[i] = keep * values[i] - rate * m / (sqrt(v) * correction + eps);
  });
}

}  // namespace

template <class Stream, class A>
void sgd(Stream stream, std::int64_t chunks, const OptimizerChunk* table, double momentum,
         double weight_decay, bool nesterov, const double* learning_rate, const A* gradients, A* velocities,
         A* values) {
  constexpr int NT = threads<Stream>(256);
  launch<sgd_kernel<NT, A>>(stream, Grid{dim3(unsigned(chunks)), dim3(NT)}, table, A(momentum),
                            A(weight_decay), nesterov, learning_rate, gradients, velocities, values);
}

template <class Stream, class A>
void lars_norms(Stream stream, std::int64_t chunks, const OptimizerChunk* table, double decay,
                const A* gradients, const A* values, A* partials) {
  constexpr int NT = threads<Stream>(256);
  launch<lars_norms_kernel<NT, A>>(stream, Grid{dim3(unsigned(chunks)), dim3(NT)}, table, A(decay), gradients,
                                   values, partials);
}

template <class Stream, class A>
void lars(Stream stream, std::int64_t chunks, const OptimizerChunk* table, bool google, double momentum,
          double weight_decay, double eta, double eps, bool nesterov, const double* learning_rate,
          const A* gradients, const A* partials, A* velocities, A* values) {
  constexpr int NT = threads<Stream>(256);
  launch<lars_kernel<NT, A>>(stream, Grid{dim3(unsigned(chunks)), dim3(NT)}, table, google, A(momentum),
                             A(weight_decay), A(eta), A(eps), nesterov, learning_rate, gradients, partials,
                             velocities, values);
}

template <class Stream, class A>
void adamw(Stream stream, std::int64_t chunks, const OptimizerChunk* table, double beta1, double beta2,
           double eps, double weight_decay, const double* learning_rate, std::int64_t* step, double* rates,
           const A* gradients, A* first, A* second, A* values) {
  constexpr int NT = threads<Stream>(256);
  launch<adamw_advance_kernel>(stream, Grid{dim3(1), dim3(1)}, beta1, beta2, weight_decay, learning_rate,
                               step, rates);
  // 1 - beta2 is computed in f64: for 0.999 in f32 its relative error would be 5e-5
  launch<adamw_kernel<NT, A>>(stream, Grid{dim3(unsigned(chunks)), dim3(NT)}, table, A(beta1), A(beta2),
                              A(1 - beta1), A(1 - beta2), A(eps), rates, gradients, first, second, values);
}

INSTANTIATE(sgd)
INSTANTIATE(lars_norms)
INSTANTIATE(lars)
INSTANTIATE(adamw)

}  // namespace kernels
