// The launchers, for every stream. x, y and their gradients are (R,C); weight and dweight are (C), and f32
// where x is bf16.
#pragma once

#include "kernels/simt.h"

namespace mine {

constexpr double kEpsilon = 1e-6;

template <class Stream, class T>
void rms_norm(Stream, std::int64_t R, std::int64_t C, const T* x, const kernels::acc_t<T>* weight, T* y);

// add_dx, add_dweight: add to what is there, which another op's gradient has begun
template <class Stream, class T>
void rms_norm_backward(Stream, std::int64_t R, std::int64_t C, const T* x, const kernels::acc_t<T>* weight,
                       const T* dy, T* dx, bool add_dx, kernels::acc_t<T>* dweight, bool add_dweight);

}  // namespace mine
