// CUDA's device math for the host compilers: kernels are templates on T and write exp(x), sqrt(x), max(a, b),
// fma(a, b, c) unqualified. Everything here is free of branches and calls where that lets loops vectorise.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace kernels::inline KERNELS_COMPILER {

using std::abs, std::fabs, std::copysign, std::fmod, std::hypot, std::pow;
using std::atan2, std::cos, std::erf, std::sin, std::tan, std::tanh;
using std::cbrt, std::exp2, std::expm1, std::log, std::log1p, std::log2, std::sqrt;
using std::ceil, std::floor, std::lrint, std::lround, std::rint, std::round, std::trunc;
using std::fma, std::isfinite, std::isinf, std::isnan;
using std::max, std::min;

// glibc's fmaxf is a call, and a loop with a call does not vectorise, unless NaNs are assumed away. These
// have the same meaning: of a number and a NaN they return the number.
inline float fmaxf(float a, float b) { return a > b || b != b ? a : b; }
inline float fminf(float a, float b) { return a < b || b != b ? a : b; }
inline double fmax(double a, double b) { return a > b || b != b ? a : b; }
inline double fmin(double a, double b) { return a < b || b != b ? a : b; }
inline float fmax(float a, float b) { return fmaxf(a, b); }
inline float fmin(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline float min(float a, float b) { return fminf(a, b); }
inline double max(double a, double b) { return fmax(a, b); }
inline double min(double a, double b) { return fmin(a, b); }

inline float rsqrt(float x) { return 1.0f / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline float rsqrtf(float x) { return rsqrt(x); }

inline double exp(double x) { return std::exp(x); }

// e^x in f32, at most 1 ulp off, in straight-line code that vectorises under every compiler: x = n ln 2 + r
// with |r| <= ln 2 / 2, e^x = 2^n (1 + r + r^2 q(r)), q a minimax polynomial. The fused multiply-adds are
// explicit, so that -fassociative-math cannot merge the two parts of ln 2. A processor without them uses the
// library's exp.
#if defined(__FMA__) || defined(__aarch64__)
inline float exp(float x) {
  const float inside =
      x >= -104.0f ? (x <= 89.0f ? x : 89.0f) : -104.0f;  // beyond: infinity and zero; NaN: -104
  const float n = std::rint(inside * 1.44269504f);
  float r = __builtin_fmaf(n, -0.693145752f, inside);
  r = __builtin_fmaf(n, -1.42860677e-6f, r);
  float q = 1.38145986e-3f;
  q = __builtin_fmaf(q, r, 8.36871691e-3f);
  q = __builtin_fmaf(q, r, 4.16683880e-2f);
  q = __builtin_fmaf(q, r, 0.166665206f);
  q = __builtin_fmaf(q, r, 0.499999934f);
  const float p = __builtin_fmaf(q, r * r, r) + 1.0f;
  // Two factors, so that results below 2^-126 come out right; the first is added to the exponent, or the
  // compiler might multiply the factors first, which overflows.
  const int k = static_cast<int>(n), half = k >> 1;
  const float scaled = std::bit_cast<float>(std::bit_cast<int>(p) + half * (1 << 23)) *
                       std::bit_cast<float>((k - half + 127) << 23);
  return x != x ? x : scaled;
}
#else
inline float exp(float x) { return std::exp(x); }
#endif

inline float expf(float x) { return exp(x); }
inline float logf(float x) { return std::log(x); }
inline float log1pf(float x) { return std::log1p(x); }
inline float sqrtf(float x) { return std::sqrt(x); }
inline float fabsf(float x) { return std::fabs(x); }
inline float floorf(float x) { return std::floor(x); }
inline float rintf(float x) { return std::rint(x); }
inline float fmaf(float a, float b, float c) { return std::fma(a, b, c); }

// CUDA's fast versions, here as exact as the plain ones
inline float __expf(float x) { return exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __saturatef(float x) { return fminf(fmaxf(x, 0.0f), 1.0f); }

inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<std::uint64_t>(a) * b >> 32);
}
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __ffs(int x) { return x ? std::countr_zero(static_cast<unsigned>(x)) + 1 : 0; }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline int __float2int_rn(float x) { return static_cast<int>(std::rint(x)); }

}  // namespace kernels::inline KERNELS_COMPILER
