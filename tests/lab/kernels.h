// Launchers of kernels with a bug, and of their right twins (template argument Right). x is (R,C), a row sum
// y is (R).
#pragma once

#include <cstdint>

namespace lab {

using std::int64_t;

template <class Stream, class T>
void scale(Stream, int64_t R, int64_t C, const T* x, const T* weight, T* y);
// dweight[c] = sum over rows of dy x. Wrong: overwrites it where it must add.
template <class Stream, class T>
void scale_dweight(Stream, bool right, int64_t R, int64_t C, const T* x, const T* dy, T* dweight, bool add);

// How blocks wait for each other in prefix_sums.
enum class Waits { for_the_block_before, for_the_block_after, without_atomics };

// y[r] = sum of x[0..r] over all columns, one block a row, which waits for the total of another block.
template <class Stream, class T>
void prefix_sums(Stream, Waits, int64_t R, int64_t C, const T* x, unsigned* done, T* y);

// y[r] = sum of x[r], all rows' steps between barriers of the whole grid. Wrong: a row of fewer steps leaves
// early.
template <class Stream, class T>
void lockstep_sums(Stream, bool right, int64_t R, int64_t C, const int* length, const T* x, unsigned* arrived,
                   T* y);

// y[0] = sum of x^2, a float atomicAdd for each element. Wrong: a load and a store.
template <class Stream, class T>
void atomic_sum(Stream, bool right, int64_t R, int64_t C, const T* x, T* y);

// y[r] = sum of x[r] by one warp for C <= 24: the lanes from 8 on shuffle among themselves. Wrong: one of the
// lanes whose values count reads beyond.
template <class Stream, class T>
void part_of_warp_sum(Stream, bool right, int64_t R, int64_t C, const T* x, T* y);

// y[r] = sum of x[r] through shared memory. Wrong: a SHARED array that is one too short; or a wild pointer.
enum class Access { right, past_shared_array, wild };
template <class Stream, class T>
void shared_sum(Stream, Access, int64_t R, int64_t C, const T* x, T* y);

}  // namespace lab
