// The k largest of each row by radix selection, eight bits at a time: a histogram of the elements that may
// still be the k-th largest shows in which bucket the k-th lies. One block a row, which reads the row at most
// bits / 8 + 6 times, usually 3 times.
#include <bit>

#include "kernels/kernels.h"
#include "kernels/simt.h"

namespace kernels {
namespace {

template <class T>
struct KeyOf {
  using type = std::uint32_t;
};
template <>
struct KeyOf<double> {
  using type = std::uint64_t;
};

// Unsigned numbers in the order of the values; NaN is the largest, -0 equals 0.
template <class T>
__device__ __forceinline__ typename KeyOf<T>::type key_of(T value) {
  using Key = typename KeyOf<T>::type;
  using A = acc_t<T>;
  const A v = A(value);
  constexpr Key sign = Key(1) << (8 * sizeof(Key) - 1);
  const Key bits = std::bit_cast<Key>(v);
  const Key key = bits & sign ? Key(~bits) : Key(bits | sign);
  return v != v ? Key(-1) : v == A(0) ? sign : key;
}

template <int NT>
__device__ __forceinline__ int count(int* counter) {
  if constexpr (NT == 1)
    return (*counter)++;
  else
    return atomicAdd(counter, 1);
}

// The state of a selection among elements that have unsigned numbers of the type Key. The candidates are the
// elements whose number has the bits of `prefix` in the places of `mask`. The wanted element has rank `need`
// among them (1 is the largest, or the smallest), and there are `equal` of them.
template <class Key>
struct Selection {
  Key prefix = 0, mask = 0;
  int need, equal;
};

// Among the elements i < n for which match(i), extends the prefix digit by digit, from the highest, until all
// candidates are wanted: need == equal.
template <int NT, bool Largest, class Key, class Number, class Match>
__device__ __forceinline__ void select(std::int64_t n, Number number, Match match, int* histogram,
                                       int* result, Selection<Key>& s) {
  for (int shift = 8 * int(sizeof(Key)) - 8; shift >= 0 && s.equal != s.need; shift -= 8) {
    __syncthreads();
    for (int b = threadIdx.x; b < 256; b += NT) histogram[b] = 0;
    __syncthreads();
    for (std::int64_t i = threadIdx.x; i < n; i += NT) {
      const Key key = number(i);
      if ((key & s.mask) == s.prefix && match(i)) count<NT>(&histogram[key >> shift & 255]);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      int before = 0, digit = Largest ? 255 : 0;
      while (before + histogram[digit] < s.need) {
        before += histogram[digit];
        digit += Largest ? -1 : 1;
      }
      result[0] = digit;
      result[1] = s.need - before;
      result[2] = histogram[digit];
    }
    __syncthreads();
    s.prefix |= Key(result[0]) << shift;
    s.mask |= Key(255) << shift;
    s.need = result[1];
    s.equal = result[2];
  }
}

template <int NT, class T>
__global__ void __launch_bounds__(NT)
    top_k_kernel(std::int64_t n, int k, const T* scores, T* values, std::int32_t* indices, T* found_values,
                 std::int32_t* found) {
  using Key = typename KeyOf<T>::type;
  SHARED(int, histogram, [256]);
  SHARED(int, result, [3]);
  SHARED(int, counter, [1]);
  scores += blockIdx.x * n;
  values += std::int64_t(blockIdx.x) * k;
  indices += std::int64_t(blockIdx.x) * k;
  found_values += std::int64_t(blockIdx.x) * k;
  found += std::int64_t(blockIdx.x) * k;

  Selection<Key> value{0, 0, k, int(n)};
  select<NT, true>(
      n, [=](std::int64_t i) { return key_of(scores[i]); }, [](std::int64_t) { return true; }, histogram,
      result, value);
  // of the elements that equal the k-th value, those with the lowest indices are taken
  Selection<std::uint32_t> index{0, 0, value.need, value.equal};
  select<NT, false>(
      n, [](std::int64_t i) { return std::uint32_t(i); },
      [=](std::int64_t i) { return (key_of(scores[i]) & value.mask) == value.prefix; }, histogram, result,
      index);

  __syncthreads();
  if (threadIdx.x == 0) counter[0] = 0;
  __syncthreads();
  for (std::int64_t i = threadIdx.x; i < n; i += NT) {
    const Key key = key_of(scores[i]) & value.mask;
    if (key > value.prefix || (key == value.prefix && (std::uint32_t(i) & index.mask) <= index.prefix)) {
      const int slot = count<NT>(counter);
      found[slot] = std::int32_t(i);
      found_values[slot] = scores[i];
    }
  }
  __syncthreads();
  for (int a = threadIdx.x; a < k; a += NT) {
    const Key key = key_of(found_values[a]);
    const std::int32_t i = found[a];
    int rank = 0;
    for (int b = 0; b < k; ++b) {
      const Key other = key_of(found_values[b]);
      rank += int(other > key) + (int(other == key) & int(found[b] < i));
    }
    values[rank] = found_values[a];
    indices[rank] = i;
  }
}

}  // namespace

template <class Stream, class T>
void top_k(Stream stream, std::int64_t rows, std::int64_t n, int k, const T* scores, T* values,
           std::int32_t* indices, T* value_workspace, std::int32_t* index_workspace) {
  constexpr int NT = threads<Stream>(256);
  if (rows == 0) return;
  launch<top_k_kernel<NT, T>>(stream, Grid{dim3(unsigned(rows)), dim3(NT)}, n, k, scores, values, indices,
                              value_workspace, index_workspace);
}

INSTANTIATE_WITH_BF16(top_k)

}  // namespace kernels
