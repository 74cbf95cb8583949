// CUDA's device math for the host compilers, in f32 and f64: kernels are templates on T and write exp(x),
// sqrt(x), max(a, b), fma(a, b, c) unqualified. Everything here is free of branches and calls where that lets
// loops vectorise.
//
// The names are in the global namespace too, as in CUDA, where the C library has some of them. Our own
// functions are templates without a use of their parameter: where the C library's is visible as well,
// overload resolution prefers it, since it is no template, and the call is not ambiguous.
// tests/check_math_names.sh compiles them all.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace kernels::inline KERNELS_COMPILER {

using std::abs, std::acos, std::acosh, std::asin, std::asinh, std::atan, std::atan2, std::atanh, std::cbrt,
    std::ceil;
using std::copysign, std::cos, std::cosh, std::erf, std::erfc, std::exp2, std::expm1, std::fabs, std::fdim,
    std::floor;
using std::fma, std::fmod, std::hypot, std::ilogb, std::isfinite, std::isinf, std::isnan, std::ldexp,
    std::lgamma;
using std::log, std::log10, std::log1p, std::log2, std::logb, std::lrint, std::lround, std::max, std::min,
    std::modf;
using std::nearbyint, std::nextafter, std::pow, std::remainder, std::rint, std::round, std::scalbn,
    std::signbit;
using std::sin, std::sinh, std::sqrt, std::tan, std::tanh, std::tgamma, std::trunc;

// glibc's fmaxf is a call, and a loop with a call does not vectorise, unless NaNs are assumed away. These
// have the same meaning: of a number and a NaN they return the number.
template <int = 0>
inline float fmaxf(float a, float b) {
  return a > b || b != b ? a : b;
}
template <int = 0>
inline float fminf(float a, float b) {
  return a < b || b != b ? a : b;
}
template <int = 0>
inline double fmax(double a, double b) {
  return a > b || b != b ? a : b;
}
template <int = 0>
inline double fmin(double a, double b) {
  return a < b || b != b ? a : b;
}
template <int = 0>
inline float fmax(float a, float b) {
  return fmaxf(a, b);
}
template <int = 0>
inline float fmin(float a, float b) {
  return fminf(a, b);
}
template <int = 0>
inline float max(float a, float b) {
  return fmaxf(a, b);
}
template <int = 0>
inline float min(float a, float b) {
  return fminf(a, b);
}
template <int = 0>
inline double max(double a, double b) {
  return fmax(a, b);
}
template <int = 0>
inline double min(double a, double b) {
  return fmin(a, b);
}

template <int = 0>
inline float rsqrt(float x) {
  return 1.0f / std::sqrt(x);
}
template <int = 0>
inline double rsqrt(double x) {
  return 1.0 / std::sqrt(x);
}
template <int = 0>
inline float rsqrtf(float x) {
  return rsqrt(x);
}
template <int = 0>
inline double rcbrt(double x) {
  return 1.0 / std::cbrt(x);
}
template <int = 0>
inline float rcbrtf(float x) {
  return 1.0f / std::cbrt(x);
}
template <int = 0>
inline double exp10(double x) {
  return std::pow(10.0, x);
}
template <int = 0>
inline float exp10f(float x) {
  return std::pow(10.0f, x);
}

// sin and cos of pi x: the argument is reduced first, so that large x loses nothing
template <int = 0>
inline double sinpi(double x) {
  return std::sin(3.14159265358979323846 * (x - 2 * std::round(x / 2)));
}
template <int = 0>
inline double cospi(double x) {
  return std::cos(3.14159265358979323846 * (x - 2 * std::round(x / 2)));
}
template <int = 0>
inline float sinpif(float x) {
  return static_cast<float>(sinpi(static_cast<double>(x)));
}
template <int = 0>
inline float cospif(float x) {
  return static_cast<float>(cospi(static_cast<double>(x)));
}
template <int = 0>
inline void sincos(double x, double* sine, double* cosine) {
  *sine = std::sin(x), *cosine = std::cos(x);
}
template <int = 0>
inline void sincosf(float x, float* sine, float* cosine) {
  *sine = std::sin(x), *cosine = std::cos(x);
}

template <int = 0>
inline double exp(double x) {
  return std::exp(x);
}

// e^x in f32, at most 1 ulp off, in straight-line code that vectorises under every compiler: x = n ln 2 + r
// with |r| <= ln 2 / 2, e^x = 2^n (1 + r + r^2 q(r)), q a minimax polynomial. The fused multiply-adds are
// explicit, so that -fassociative-math cannot merge the two parts of ln 2. A processor without them uses the
// library's exp.
#if defined(__FMA__) || defined(__aarch64__)
template <int = 0>
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
template <int = 0>
inline float exp(float x) {
  return std::exp(x);
}
#endif

template <int = 0>
inline float expf(float x) {
  return exp(x);
}

// CUDA's fast versions, here as exact as the plain ones. glibc's <cmath>, included above, declares two of the
// names, but defines nothing.
#define __expf simt_expf
#define __logf simt_logf
template <int = 0>
inline float __expf(float x) {
  return exp(x);
}
template <int = 0>
inline float __logf(float x) {
  return std::log(x);
}
template <int = 0>
inline float __fdividef(float a, float b) {
  return a / b;
}
template <int = 0>
inline float __saturatef(float x) {
  return fminf(fmaxf(x, 0.0f), 1.0f);
}

template <int = 0>
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<std::uint64_t>(a) * b >> 32);
}
template <int = 0>
inline int __popc(unsigned x) {
  return std::popcount(x);
}
template <int = 0>
inline int __clz(int x) {
  return std::countl_zero(static_cast<unsigned>(x));
}
template <int = 0>
inline int __ffs(int x) {
  return x ? std::countr_zero(static_cast<unsigned>(x)) + 1 : 0;
}
template <int = 0>
inline int __float_as_int(float x) {
  return std::bit_cast<int>(x);
}
template <int = 0>
inline unsigned __float_as_uint(float x) {
  return std::bit_cast<unsigned>(x);
}
template <int = 0>
inline float __int_as_float(int x) {
  return std::bit_cast<float>(x);
}
template <int = 0>
inline float __uint_as_float(unsigned x) {
  return std::bit_cast<float>(x);
}
template <int = 0>
inline int __float2int_rn(float x) {
  return static_cast<int>(std::rint(x));
}

}  // namespace kernels::inline KERNELS_COMPILER

using kernels::__fdividef, kernels::__saturatef, kernels::__umulhi, kernels::__popc, kernels::__clz,
    kernels::__ffs;
using kernels::__float2int_rn;
using kernels::__float_as_int, kernels::__float_as_uint, kernels::__int_as_float, kernels::__uint_as_float;
using kernels::abs, kernels::acos, kernels::acosh, kernels::asin, kernels::asinh, kernels::atan,
    kernels::atan2;
using kernels::atanh, kernels::cbrt, kernels::ceil, kernels::copysign, kernels::cos, kernels::cosh,
    kernels::erf;
using kernels::cospi, kernels::cospif, kernels::sincos, kernels::sincosf, kernels::__expf, kernels::__logf;
using kernels::erfc, kernels::exp2, kernels::expm1, kernels::fabs, kernels::fdim, kernels::floor,
    kernels::fma;
using kernels::expf, kernels::exp10, kernels::exp10f, kernels::fmax, kernels::fmaxf, kernels::fmin,
    kernels::fminf;
using kernels::fmod, kernels::hypot, kernels::ilogb, kernels::isfinite, kernels::isinf, kernels::isnan,
    kernels::ldexp;
using kernels::lgamma, kernels::log, kernels::log10, kernels::log1p, kernels::log2, kernels::logb,
    kernels::lrint;
using kernels::lround, kernels::max, kernels::min, kernels::modf, kernels::nearbyint, kernels::nextafter,
    kernels::pow;
using kernels::remainder, kernels::rint, kernels::round, kernels::scalbn, kernels::signbit, kernels::sin;
using kernels::rsqrt, kernels::rsqrtf, kernels::rcbrt, kernels::rcbrtf, kernels::sinpi, kernels::sinpif;
using kernels::sinh, kernels::sqrt, kernels::tan, kernels::tanh, kernels::tgamma, kernels::trunc,
    kernels::exp;
