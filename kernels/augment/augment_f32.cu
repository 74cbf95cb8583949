// Views by TensorFlow's definitions (tf.image of TensorFlow 2) and the rules of google-research/simclr's
// data_util.py: f32 values in 0 .. 1 from the first op to the last, clipped after each jitter and at the end.
// An f32 image of 224 pixels does not fit a block's shared memory, so each block works in a part of `work`,
// on one view after another.
#include "kernels/kernels.h"
#include "kernels/tiles/reduce.h"

namespace kernels {
namespace {

// Three planes of size x size values, and as many for the ops that read other places than they write.
struct RealImage {
  float *pixels, *copy;
  int size;

  __device__ int places() const { return size * size; }
  __device__ float* plane(int c) const { return pixels + c * places(); }
};

// A place belongs to the same thread in every op, so that ops on single pixels need no barrier.
template <int NT, class F>
__device__ __forceinline__ void each_place(const RealImage& image, F f) {
  for (int e = int(threadIdx.x); e < image.places(); e += NT) f(e);
}

struct RealRgb {
  float r, g, b;
};
template <int NT, class F>
__device__ __forceinline__ void each_pixel(const RealImage& image, F f) {
  float* __restrict__ r = image.plane(0), * __restrict__ g = image.plane(1), * __restrict__ b = image.plane(2);
  each_place<NT>(image, [=](int e) {
    const RealRgb v = f(RealRgb{r[e], g[e], b[e]});
    r[e] = v.r, g[e] = v.g, b[e] = v.b;
  });
}

__device__ __forceinline__ float unit(float v) { return v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v; }

// The inputs of one output of an axis, and their weights.
struct Taps {
  int index[4];
  float weight[4];
};

// tf.image.resize without antialias. Bicubic: Keys' filter with a = -0.5, at steps of 1/1024 of a pixel as in
// TensorFlow's table; inputs outside count nothing, and the others' weights are divided by their sum.
__device__ __forceinline__ Taps taps_of(int out, int in, float scale, bool cubic) {
  const float at = (float(out) + 0.5f) * scale - 0.5f, below = floor(at);
  const int first = int(below);
  Taps t;
  if (!cubic) {
    const int upper = int(ceil(at)), last = in - 1;
    t.index[0] = first > 0 ? first : 0, t.index[1] = upper < last ? upper : last;
    t.index[2] = t.index[3] = 0;
    t.weight[1] = at - below, t.weight[0] = 1.0f - t.weight[1], t.weight[2] = t.weight[3] = 0.0f;
    return t;
  }
  const float x = rintf((at - below) * 1024.0f) * (1.0f / 1024.0f);
  float sum = 0.0f;
  UNROLL for (int k = 0; k < 4; ++k) {
    const float d = k == 0   ? 1.0f + x
                    : k == 1 ? x
                    : k == 2 ? 1.0f - x
                             : 2.0f - x;  // distance of input first - 1 + k
    const float w =
        k == 1 || k == 2 ? (1.5f * d - 2.5f) * d * d + 1.0f : ((-0.5f * d + 2.5f) * d - 4.0f) * d + 2.0f;
    const int j = first - 1 + k;
    const bool inside = j >= 0 && j < in;
    t.index[k] = inside ? j : 0;
    t.weight[k] = inside ? w : 0.0f;
    sum += t.weight[k];
  }
  UNROLL for (int k = 0; k < 4; ++k) t.weight[k] /= sum;
  return t;
}

template <int NT>
__device__ __forceinline__ void crop_and_resize(const RealImage& image, const std::uint8_t* source,
                                                const View& view) {
  const int size = image.size, taps = view.bicubic ? 4 : 2;
  const std::uint8_t* crop = source + (std::int64_t(view.top) * view.width + view.left) * 3;
  const float across = float(view.crop_width) / float(size), down = float(view.crop_height) / float(size);
  each_place<NT>(image, [&](int e) {
    const int y = e / size, x = view.flip ? size - 1 - e % size : e % size;
    const Taps tx = taps_of(x, view.crop_width, across, view.bicubic);
    const Taps ty = taps_of(y, view.crop_height, down, view.bicubic);
    float sum[3] = {0.0f, 0.0f, 0.0f};
    for (int j = 0; j < taps; ++j)
      for (int i = 0; i < taps; ++i) {
        const std::uint8_t* p = crop + (std::int64_t(ty.index[j]) * view.width + tx.index[i]) * 3;
        const float w = ty.weight[j] * tx.weight[i] * (1.0f / 255.0f);
        for (int c = 0; c < 3; ++c) sum[c] += w * float(p[c]);
      }
    for (int c = 0; c < 3; ++c) image.plane(c)[e] = sum[c];
  });
}

// Counter-clockwise by `angle` degrees round the middle, bilinear, black outside. Not an op of google's
// recipe.
template <int NT>
__device__ __forceinline__ void rotate_real(const RealImage& image, float angle) {
  const int size = image.size, places = image.places();
  const float middle = 0.5f * float(size - 1);
  const double radians = double(angle) * 0.017453292519943295;
  const float cosine = float(cos(radians)), sine = float(sin(radians));
  __syncthreads();
  for (int e = int(threadIdx.x); e < 3 * places; e += NT) image.copy[e] = image.pixels[e];
  __syncthreads();
  each_place<NT>(image, [&](int e) {
    const int row = e / size, column = e - row * size;
    const float x = float(column) - middle, y = float(row) - middle;
    const float from_x = cosine * x - sine * y + middle, from_y = sine * x + cosine * y + middle;
    const int left = int(floor(from_x)), top = int(floor(from_y));
    const float wx = from_x - float(left), wy = from_y - float(top);
    for (int c = 0; c < 3; ++c) {
      const float* from = image.copy + c * places;
      const auto at = [&](int i, int j) {
        return i >= 0 && i < size && j >= 0 && j < size ? from[i * size + j] : 0.0f;
      };
      image.plane(c)[e] = (at(top, left) * (1 - wx) + at(top, left + 1) * wx) * (1 - wy) +
                          (at(top + 1, left) * (1 - wx) + at(top + 1, left + 1) * wx) * wy;
    }
  });
  __syncthreads();
}

// tf.image.adjust_contrast: each channel around its own mean. The sums are in f64, so that they hardly depend
// on the number of threads.
template <int NT>
__device__ __forceinline__ void contrast_real(const RealImage& image, float factor) {
  for (int c = 0; c < 3; ++c) {
    float* plane = image.plane(c);
    double sum = 0;
    each_place<NT>(image, [&](int e) { sum += double(plane[e]); });
    const float mean = float(block_sum<NT>(sum) / image.places());
    each_place<NT>(image, [&](int e) { plane[e] = unit((plane[e] - mean) * factor + mean); });
  }
}

// tf.image.adjust_saturation: the HSV color's s times factor, at most 1. With v and the hue fixed, each
// channel's distance from v is in proportion to s.
__device__ __forceinline__ RealRgb saturated(RealRgb p, float factor) {
  const float most = fmaxf(p.r, fmaxf(p.g, p.b)), least = fminf(p.r, fminf(p.g, p.b));
  const float s = most > 0.0f ? (most - least) / most : 0.0f;
  const float ratio = s > 0.0f ? unit(s * factor) / s : 0.0f;
  return {unit(most + (p.r - most) * ratio), unit(most + (p.g - most) * ratio),
          unit(most + (p.b - most) * ratio)};
}

// A channel of the color with the largest value `most` and the range `range`, at hue h in sixths of a turn; n
// = 5, 3, 1 for red, green, blue.
__device__ __forceinline__ float channel_at(float n, float h, float most, float range) {
  float k = n + h;
  k = k >= 6.0f ? k - 6.0f : k;
  return unit(most - range * fmaxf(0.0f, fminf(fminf(k, 4.0f - k), 1.0f)));
}

// tf.image.adjust_hue: the HSV color's h plus turn, in turns.
__device__ __forceinline__ RealRgb hue_turned(RealRgb p, float turn) {
  const float most = fmaxf(p.r, fmaxf(p.g, p.b)), range = most - fminf(p.r, fminf(p.g, p.b));
  const bool red = most == p.r, green = most == p.g;
  const float ahead = red     ? p.g - p.b
                      : green ? p.b - p.r
                              : p.r - p.g,
              start = red     ? 0.0f
                      : green ? 2.0f
                              : 4.0f;
  float h = start + (range > 0.0f ? ahead / range : 0.0f) + 6.0f * turn;  // -4 .. 8
  h -= 6.0f * floor(h / 6.0f);
  return {channel_at(5.0f, h, most, range), channel_at(3.0f, h, most, range),
          channel_at(1.0f, h, most, range)};
}

template <int NT>
__device__ __forceinline__ void jitter_real(const RealImage& image, Jitter op, float factor) {
  switch (op) {
    case Jitter::none:
      break;
    case Jitter::brightness:
      each_pixel<NT>(image, [=](RealRgb p) {
        return RealRgb{unit(p.r * factor), unit(p.g * factor), unit(p.b * factor)};
      });
      break;
    case Jitter::contrast:
      contrast_real<NT>(image, factor);
      break;
    case Jitter::saturation:
      each_pixel<NT>(image, [=](RealRgb p) { return saturated(p, factor); });
      break;
    case Jitter::hue:
      each_pixel<NT>(image, [=](RealRgb p) { return hue_turned(p, factor); });
      break;
  }
}

// A separable Gaussian with zeros outside the image, as data_util.py's gaussian_blur: along rows into the
// copy, then along columns.
template <int NT>
__device__ __forceinline__ void blur_real(const RealImage& image, int kernel, float sigma) {
  const int size = image.size, half = kernel / 2, places = image.places();
  SHARED(float, weights, [max_blur_kernel]);
  __syncthreads();  // until then another thread may read the weights of the view before
  for (int k = int(threadIdx.x); k < kernel; k += NT) {
    const float d = float(k - half) / sigma;
    weights[k] = exp(-0.5f * d * d);
  }
  __syncthreads();
  float sum = 0.0f;
  for (int k = 0; k < kernel; ++k) sum += weights[k];
  const auto filter = [&](const float* from, float* to, int stride, bool along_rows) {
    for (int e = int(threadIdx.x); e < 3 * places; e += NT) {
      const int at = along_rows ? e % size : e % places / size;
      const int begin = at < half ? half - at : 0, left = size - at + half,
                end = left < kernel ? left : kernel;
      float v = 0.0f;
      for (int k = begin; k < end; ++k) v += weights[k] * from[e + (k - half) * stride];
      to[e] = v / sum;
    }
    __syncthreads();
  };
  filter(image.pixels, image.copy, 1, true);
  filter(image.copy, image.pixels, size, false);
}

template <int NT, class T>
__global__ void __launch_bounds__(NT, 1)
    augment_f32_kernel(std::int64_t n, int size, const std::uint8_t* pixels, const View* views,
                       Normalization normalization, float* work, T* y) {
  using A = acc_t<T>;
  const std::int64_t values = 3 * std::int64_t(size) * size;
  float* const own = work + blockIdx.x * 2 * values;
  const RealImage image{own, own + values, size};
  for (std::int64_t i = blockIdx.x; i < n; i += gridDim.x) {
    const View view = views[i];
    crop_and_resize<NT>(image, pixels + view.offset, view);
    if (view.angle != 0.0f) rotate_real<NT>(image, view.angle);
    for (int k = 0; k < 4; ++k) jitter_real<NT>(image, view.jitter[k], view.factor[k]);
    const float threshold = float(view.solarize) / 255.0f;
    if (view.grayscale)
      each_pixel<NT>(image, [](RealRgb p) {
        const float gray = 0.2989f * p.r + 0.587f * p.g + 0.114f * p.b;
        return RealRgb{gray, gray, gray};
      });
    each_pixel<NT>(image, [](RealRgb p) { return RealRgb{unit(p.r), unit(p.g), unit(p.b)}; });
    if (view.blur_sigma > 0.0f) {
      __syncthreads();
      blur_real<NT>(image, view.blur_kernel, view.blur_sigma);
    }
    T* to = y + i * values;
    each_place<NT>(image, [&](int e) {
      for (int c = 0; c < 3; ++c) {
        float v = image.plane(c)[e];
        if (view.solarize < 256 && v >= threshold) v = 1.0f - v;
        to[3 * e + c] = T((A(v) - A(normalization.mean[c])) / A(normalization.std[c]));
      }
    });
  }
}

}  // namespace

template <class Stream, class T>
void augment_f32(Stream stream, std::int64_t n, int size, const std::uint8_t* pixels, const View* views,
                 const Normalization& normalization, float* work, T* y) {
  if (n == 0) return;
  constexpr int NT = threads<Stream>(512);
  launch<augment_f32_kernel<NT, T>>(stream,
                                    Grid{dim3(unsigned(augment_f32_blocks(n))), dim3(NT), 0, "augment_f32"},
                                    n, size, pixels, views, normalization, work, y);
}

INSTANTIATE_WITH_BF16(augment_f32)

}  // namespace kernels
