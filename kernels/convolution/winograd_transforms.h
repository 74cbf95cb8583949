// The 1-D transforms of Winograd's minimal filtering, over values of any vector type. A 2-D transform is one
// along the columns, then one along the rows.
//
// F(4,3), stride 1: points 0, +-a, +-b, infinity with a = 5/8, b = 3/2, whose rounding error is half of that
// of the usual 1 and 2. F(4,2), stride 2: outputs i = 0..3 of taps w0, w1, w2 at stride 2 are
//   y[i] = w0 d[2i] + w2 d[2i+2]  +  w1 d[2i+1],
// two-tap filtering of the even samples, on the points +-a, +-b, infinity with a = 1/2, b = 5/4, and the 4
// products of the odd samples as they are: 5 + 4 products in place of 12.
#pragma once

#include "kernels/simt.h"

namespace kernels::inline KERNELS_COMPILER {
namespace winograd {

// B^T of F(4,3): 6 samples -> 6 points.
struct Input1 {
  static constexpr int in = 6, out = 6, stride = 1, step = 4, origin = -1;
  template <class T, class V>
  static __device__ __forceinline__ void apply(const V* d, V* y) {
    constexpr T a = T(0.625), b = T(1.5), a2 = a * a, b2 = b * b;
    const V p = d[4] - b2 * d[2], q = a * (d[3] - b2 * d[1]), r = d[4] - a2 * d[2],
            s = b * (d[3] - a2 * d[1]);
    y[0] = a2 * b2 * d[0] - (a2 + b2) * d[2] + d[4];
    y[1] = p + q;
    y[2] = p - q;
    y[3] = r + s;
    y[4] = r - s;
    y[5] = a2 * b2 * d[1] - (a2 + b2) * d[3] + d[5];
  }
};

// A^T of F(4,3): 6 points -> 4 outputs.
struct Output1 {
  static constexpr int in = 6, out = 4, stride = 1;
  template <class T, class V>
  static __device__ __forceinline__ void apply(const V* m, V* y) {
    constexpr T a = T(0.625), b = T(1.5), a2 = a * a, b2 = b * b;
    const V p = m[1] + m[2], q = a * (m[1] - m[2]), r = m[3] + m[4], s = b * (m[3] - m[4]);
    y[0] = m[0] + p + r;
    y[1] = q + s;
    y[2] = a2 * p + b2 * r;
    y[3] = a2 * q + b2 * s + m[5];
  }
};

// A of F(4,3): 4 output gradients -> 6 points.
struct Gradient1 {
  static constexpr int in = 4, out = 6, stride = 1, step = 4, origin = 0;
  template <class T, class V>
  static __device__ __forceinline__ void apply(const V* d, V* y) {
    constexpr T a = T(0.625), b = T(1.5), a2 = a * a, b2 = b * b;
    const V p = d[0] + a2 * d[2], q = a * (d[1] + a2 * d[3]), r = d[0] + b2 * d[2],
            s = b * (d[1] + b2 * d[3]);
    y[0] = d[0];
    y[1] = p + q;
    y[2] = p - q;
    y[3] = r + s;
    y[4] = r - s;
    y[5] = d[3];
  }
};

// G of F(4,3): 3 taps -> 6 points, and its transpose.
struct Filter1 {
  template <class T>
  struct Scale {
    static constexpr T a = T(0.625), b = T(1.5), zero = 1 / (a * a * b * b);
    static constexpr T at_a = 1 / (2 * a * a * (a * a - b * b)), at_b = 1 / (2 * b * b * (b * b - a * a));
  };
  template <class T, class V>
  static __device__ __forceinline__ void apply(const V* w, V* y) {
    using S = Scale<T>;
    const V p = S::at_a * w[0] + S::at_a * S::a * S::a * w[2], q = S::at_a * S::a * w[1];
    const V r = S::at_b * w[0] + S::at_b * S::b * S::b * w[2], s = S::at_b * S::b * w[1];
    y[0] = S::zero * w[0];
    y[1] = p + q;
    y[2] = p - q;
    y[3] = r + s;
    y[4] = r - s;
    y[5] = w[2];
  }
  template <class T, class V>
  static __device__ __forceinline__ void transposed(const V* u, V* w) {
    using S = Scale<T>;
    const V p = S::at_a * (u[1] + u[2]), q = S::at_a * S::a * (u[1] - u[2]);
    const V r = S::at_b * (u[3] + u[4]), s = S::at_b * S::b * (u[3] - u[4]);
    w[0] = S::zero * u[0] + p + r;
    w[1] = q + s;
    w[2] = S::a * S::a * p + S::b * S::b * r + u[5];
  }
};

// F(4,2) of the even samples; positions 5 ... 8 are the odd samples.
struct Points2 {
  template <class T, class V>
  static __device__ __forceinline__ void input(V d0, V d1, V d2, V d3, V d4, V* y) {  // B^T: 5 -> 5
    constexpr T a = T(0.5), b = T(1.25), a2 = a * a, b2 = b * b;
    const V p = d3 - b2 * d1, q = a * (d2 - b2 * d0), r = d3 - a2 * d1, s = b * (d2 - a2 * d0);
    y[0] = p + q;
    y[1] = p - q;
    y[2] = r + s;
    y[3] = r - s;
    y[4] = a2 * b2 * d0 - (a2 + b2) * d2 + d4;
  }
  template <class T, class V>
  static __device__ __forceinline__ void output(const V* m, V* y) {  // A^T: 5 -> 4
    constexpr T a = T(0.5), b = T(1.25), a2 = a * a, b2 = b * b;
    const V p = m[0] + m[1], q = a * (m[0] - m[1]), r = m[2] + m[3], s = b * (m[2] - m[3]);
    y[0] = p + r;
    y[1] = q + s;
    y[2] = a2 * p + b2 * r;
    y[3] = a2 * q + b2 * s + m[4];
  }
};

// 9 samples -> 9 positions.
struct Input2 {
  static constexpr int in = 9, out = 9, stride = 2, step = 8, origin = -1;
  template <class T, class V>
  static __device__ __forceinline__ void apply(const V* d, V* y) {
    Points2::input<T, V>(d[0], d[2], d[4], d[6], d[8], y);
    y[5] = d[1];
    y[6] = d[3];
    y[7] = d[5];
    y[8] = d[7];
  }
};

// 9 positions -> 4 outputs.
struct Output2 {
  static constexpr int in = 9, out = 4, stride = 2;
  template <class T, class V>
  static __device__ __forceinline__ void apply(const V* m, V* y) {
    Points2::output<T, V>(m, y);
    y[0] += m[5];
    y[1] += m[6];
    y[2] += m[7];
    y[3] += m[8];
  }
};

// A: 4 output gradients -> 9 positions.
struct Gradient2 {
  static constexpr int in = 4, out = 9, stride = 2, step = 4, origin = 0;
  template <class T, class V>
  static __device__ __forceinline__ void apply(const V* d, V* y) {
    constexpr T a = T(0.5), b = T(1.25), a2 = a * a, b2 = b * b;
    const V p = d[0] + a2 * d[2], q = a * (d[1] + a2 * d[3]), r = d[0] + b2 * d[2],
            s = b * (d[1] + b2 * d[3]);
    y[0] = p + q;
    y[1] = p - q;
    y[2] = r + s;
    y[3] = r - s;
    y[4] = d[3];
    y[5] = d[0];
    y[6] = d[1];
    y[7] = d[2];
    y[8] = d[3];
  }
};

// The data gradient at stride 2, with reversed taps, is again a two-tap and a one-tap filtering: dx[2j] = w1
// dy[j] and dx[2j+1] = w2 dy[j] + w0 dy[j+1]. 5 samples of dy -> 9 positions -> 8 elements of dx.
struct TransposedInput2 {
  static constexpr int in = 5, out = 9, stride = 2, step = 4, origin = 0;
  template <class T, class V>
  static __device__ __forceinline__ void apply(const V* d, V* y) {
    Points2::input<T, V>(d[0], d[1], d[2], d[3], d[4], y);
    y[5] = d[0];
    y[6] = d[1];
    y[7] = d[2];
    y[8] = d[3];
  }
};
struct TransposedOutput2 {
  static constexpr int in = 9, out = 8, stride = 2;
  template <class T, class V>
  static __device__ __forceinline__ void apply(const V* m, V* y) {
    V odd[4];
    Points2::output<T, V>(m, odd);
    UNROLL for (int j = 0; j < 4; ++j) {
      y[2 * j] = m[5 + j];
      y[2 * j + 1] = odd[j];
    }
  }
};

// 3 taps -> 6 points: the two-tap filter of w0 and w2, and w1.
struct Filter2 {
  template <class T>
  struct Scale {
    static constexpr T a = T(0.5), b = T(1.25);
    static constexpr T at_a = 1 / (2 * a * (a * a - b * b)), at_b = 1 / (2 * b * (b * b - a * a));
  };
  template <class T, class V>
  static __device__ __forceinline__ void apply(const V* w, V* y) {
    using S = Scale<T>;
    const V p = S::at_a * w[0], q = S::at_a * S::a * w[2], r = S::at_b * w[0], s = S::at_b * S::b * w[2];
    y[0] = q + p;
    y[1] = q - p;
    y[2] = s + r;
    y[3] = s - r;
    y[4] = w[2];
    y[5] = w[1];
  }
  template <class T, class V>
  static __device__ __forceinline__ void transposed(const V* u, V* w) {
    using S = Scale<T>;
    w[0] = S::at_a * (u[0] - u[1]) + S::at_b * (u[2] - u[3]);
    w[1] = u[5];
    w[2] = S::at_a * S::a * (u[0] + u[1]) + S::at_b * S::b * (u[2] + u[3]) + u[4];
  }
};

// The transforms of each WinogradImage, and the inverse transforms.
template <int Stride>
struct Transforms;
template <>
struct Transforms<1> {
  using Input = Input1;
  using Gradient = Gradient1;
  using TransposedInput = Input1;
  using Output = Output1;
  using TransposedOutput = Output1;
  using Filter = Filter1;
};
template <>
struct Transforms<2> {
  using Input = Input2;
  using Gradient = Gradient2;
  using TransposedInput = TransposedInput2;
  using Output = Output2;
  using TransposedOutput = TransposedOutput2;
  using Filter = Filter2;
};

// The point at position i of one direction, and the index of its member.
template <int Stride>
__device__ __forceinline__ constexpr int point_of(int i) {
  return Stride == 2 && i > 5 ? 5 : i;
}
template <int Stride>
__device__ __forceinline__ constexpr int member_of(int i) {
  return Stride == 2 && i > 5 ? i - 5 : 0;
}

}  // namespace winograd
}  // namespace kernels::inline KERNELS_COMPILER
