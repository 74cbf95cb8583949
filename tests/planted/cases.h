// The table of planted bugs, each with the checking modes that must catch it, and of correct kernels.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/planted/classics.h"
#include "tests/planted/correct_kernels.h"
#include "tests/planted/memory_bugs.h"
#include "tests/planted/sync_bugs.h"

namespace kernels::planted {
namespace {

enum Mode : unsigned { divergence = 1, order = 2, poisoned = 4, asan = 8, tsan = 16, msan = 32 };

// Inputs and outputs of kernels. Each buffer has its exact size, so that AddressSanitizer detects overruns.
class Buffers {
 public:
  Buffers() : x_(new float[128]) {
    for (int i = 0; i < 128; ++i) x_[i] = static_cast<float>(i * 37 % 128) / 77.7f - 0.81f;
  }
  const float* x() const { return x_.get(); }

  // Zeroed buffers, one of each type per run
  float* floats(std::size_t n) { return zeros(floats_, n); }
  int* ints(std::size_t n) { return zeros(ints_, n); }
  unsigned* counter() { return reinterpret_cast<unsigned*>(ints(1)); }

  // The bits of all outputs
  std::string result() const { return bits(floats_) + bits(ints_); }
  bool has_nan() const {
    for (std::size_t i = 0; i < floats_.n; ++i)
      if (floats_.data[i] != floats_.data[i]) return true;
    return false;
  }

 private:
  template <class T>
  struct Array {
    std::unique_ptr<T[]> data;
    std::size_t n = 0;
  };
  template <class T>
  static T* zeros(Array<T>& a, std::size_t n) {
    a = {std::make_unique<T[]>(n), n};
    return a.data.get();
  }
  template <class T>
  static std::string bits(const Array<T>& a) {
    std::string s(a.n * sizeof(T), '\0');
    if (a.n) std::memcpy(s.data(), a.data.get(), s.size());
    return s;
  }

  std::unique_ptr<float[]> x_;
  Array<float> floats_;
  Array<int> ints_;
};

struct Case {
  std::string name;
  unsigned caught_by;  // modes; 0: a correct kernel
  void (*run)(Buffers&, const Case&);
  unsigned blocks = 1;
  dim3 threads = dim3(128);
  unsigned shared_bytes = 0;
  unsigned distance = 0;  // between the two blocks of a race
};

template <class Stream, auto Kernel>
void run(Buffers& b, const Case& c) {
  const Grid grid{dim3(c.blocks), c.threads, c.shared_bytes};
  const std::size_t n = std::size_t(c.blocks) * c.threads.x;
  using K = decltype(Kernel);
  if constexpr (std::is_same_v<K, void (*)(const float*, float*)>)
    launch<Kernel>(Stream{}, grid, b.x(), b.floats(n));
  else if constexpr (std::is_same_v<K, void (*)(float*)>)
    launch<Kernel>(Stream{}, grid, b.floats(n));
  else if constexpr (std::is_same_v<K, void (*)(float*, unsigned)>)
    launch<Kernel>(Stream{}, grid, b.floats(n), c.distance);
  else if constexpr (std::is_same_v<K, void (*)(const float*, float*, unsigned*)>)
    launch<Kernel>(Stream{}, grid, b.x(), b.floats(n), b.counter());
  else if constexpr (std::is_same_v<K, void (*)(const float*, int*)>)
    launch<Kernel>(Stream{}, grid, b.x(), b.ints(8));
  else if constexpr (std::is_same_v<K, void (*)(int*)>)
    launch<Kernel>(Stream{}, grid, b.ints(1));
  else
    launch<Kernel>(Stream{}, grid, std::int64_t(1001), b.x(), b.floats(1001));
}

template <class Stream>
void run_transpose(Buffers& b, const Case& c) {
  launch<transpose_twice>(Stream{}, Grid{dim3(c.blocks), dim3(32, 4), 2 * 32 * 33 * sizeof(float)}, b.x(),
                          b.floats(std::size_t(c.blocks) * 4096));
}

template <class Stream>
std::vector<Case> all_cases() {
  using S = Stream;
  std::vector<Case> cases = {
      // divergent barriers and shuffles
      {"exit_before_barrier", divergence, run<S, exit_before_barrier>},
      {"two_barriers", divergence, run<S, two_barriers>},
      {"barrier_on_one_side", divergence, run<S, barrier_on_one_side>},
      {"barrier_in_uneven_loop", divergence, run<S, barrier_in_uneven_loop>},
      {"shuffle_in_divergent_code", divergence, run<S, shuffle_in_divergent_code>},
      {"shuffle_from_lane_outside_mask", divergence, run<S, shuffle_from_lane_outside_mask>},
      {"lane_not_in_its_mask", divergence, run<S, lane_not_in_its_mask>},
      {"two_warp_barriers", divergence, run<S, two_warp_barriers>},

      // races within a block
      {"missing_barrier_before_read", order | poisoned | msan | tsan, run<S, missing_barrier_before_read>},
      {"missing_barrier_before_write", order | tsan, run<S, missing_barrier_before_write>},
      {"warp_synchronous_sum", order | tsan, run<S, warp_synchronous_sum>},
      {"warp_barrier_across_warps", order | poisoned | msan | tsan, run<S, warp_barrier_across_warps>},
      {"block_sum_called_twice", order | tsan, run<S, block_sum_called_twice>},
      {"add_without_atomics", order | tsan, run<S, add_without_atomics>},
      {"last_writer_wins", order | tsan, run<S, last_writer_wins>},
      {"all_write_one_value", tsan, run<S, all_write_one_value>},
      {"read_guards_atomic", tsan, run<S, read_guards_atomic>},
      {"atomic_float_sum", order, run<S, atomic_float_sum>},

      // races between blocks
      {"blocks_store", order | tsan, run<S, blocks_store>, 4},
      {"blocks_add", tsan, run<S, blocks_add>, 4},
      {"blocks_store_between_barriers", order | tsan, run<S, blocks_store_between_barriers>, 4},
      {"ticket_without_fence", tsan, run<S, ticket_without_fence>, 16},
      {"add_between_fences", tsan, run<S, add_between_fences>, 4},

      // memory
      {"global_past_end", asan, run<S, global_past_end>},
      {"global_before_begin", asan, run<S, global_before_begin>},
      {"shared_past_end", asan | poisoned | msan, run<S, shared_past_end>},
      {"shared_before_begin", asan | poisoned | msan, run<S, shared_before_begin>},
      {"dynamic_past_end", asan | poisoned | msan, run<S, dynamic_past_end>, 1, dim3(NT), 512},
      {"tile_row_too_long", asan | poisoned | msan, run<S, tile_row_too_long>},
      {"uninitialised_shared", poisoned | msan, run<S, uninitialised_shared>},
      {"uninitialised_dynamic", poisoned | msan, run<S, uninitialised_dynamic>, 1, dim3(NT), 512},
      {"uninitialised_condition", poisoned | msan, run<S, uninitialised_condition>},

      // correct kernels
      {"barriers_and_shuffles/128", 0, run<S, barriers_and_shuffles<128>>, 8},
      {"barriers_and_shuffles/256", 0, run<S, barriers_and_shuffles<256>>, 2, dim3(256)},
      {"counting_barriers/32", 0, run<S, counting_barriers<32>>, 3, dim3(32)},
      {"counting_barriers/256", 0, run<S, counting_barriers<256>>, 2, dim3(256)},
      {"ticket", 0, run<S, ticket>, 16},
      {"warp_barrier_sum", 0, run<S, warp_barrier_sum>},
      {"half_warps", 0, run<S, half_warps>},
      {"histogram", 0, run<S, histogram>, 4},
      {"guarded_maximum", 0, run<S, guarded_maximum>, 4},
      {"transpose_twice", 0, run_transpose<S>, 2},
      {"grid_loop", 0, run<S, grid_loop<128>>, 8},
      {"early_return", 0, run<S, early_return>, 2},

      // textbook kernels, wrong and correct
      {"sum_interleaved/no barrier", order | tsan, run<S, sum_interleaved<false>>},
      {"sum_shuffled/wrong mask", divergence, run<S, sum_shuffled<0xffffffffu>>},
      {"scan_in_place", order | tsan, run<S, scan_in_place>},
      {"scan_tree/no barrier", order | tsan, run<S, scan_tree<false>>},
      {"histogram_lost_updates", tsan, run<S, histogram_lost_updates>},
      {"histogram_early", order | tsan, run<S, histogram_early>},
      {"transpose_tile/no barrier", order | poisoned | msan | tsan, run<S, transpose_tile<false>>},
      {"softmax_row/no barrier", order | tsan, run<S, softmax_row<false>>},
      {"ticket_for_all/no barrier", tsan, run<S, ticket_for_all<false>>, 16},
      {"under_lock/no fence of the writer", tsan, run<S, under_lock<false, true>>, 16},
      {"under_lock/no fence of the reader", tsan, run<S, under_lock<true, false>>, 16},
      {"ticket_for_one/no fence of the reader", tsan, run<S, ticket_for_one<false>>, 16},
      {"sum_passed_on/no fence of the reader", tsan, run<S, sum_passed_on<false>>, 16},
      {"sum_interleaved", 0, run<S, sum_interleaved<true>>, 2},
      {"sum_strided", 0, run<S, sum_strided>, 2},
      {"sum_sequential", 0, run<S, sum_sequential>, 2},
      {"sum_shuffled", 0, run<S, sum_shuffled<0xfu>>, 2},
      {"scan_two_barriers", 0, run<S, scan_two_barriers>, 2},
      {"scan_two_buffers", 0, run<S, scan_two_buffers>, 2},
      {"scan_tree", 0, run<S, scan_tree<true>>, 2},
      {"histogram_global", 0, run<S, histogram_global>, 4},
      {"transpose_tile", 0, run<S, transpose_tile<true>>, 2},
      {"softmax_row", 0, run<S, softmax_row<true>>, 2},
      {"ticket_for_all", 0, run<S, ticket_for_all<true>>, 16},
      {"under_lock", 0, run<S, under_lock<true, true>>, 16},
      {"ticket_for_one", 0, run<S, ticket_for_one<true>>, 16},
      {"sum_passed_on", 0, run<S, sum_passed_on<true>>, 16},
  };
  for (unsigned threads : {4, 32, 64, 256})
    cases.push_back({"blocks_add_after_barrier/" + std::to_string(threads), tsan,
                     run<S, blocks_add_after_barrier>, 8, dim3(threads)});
  for (unsigned distance : {1, 2, 3, 4, 6, 8, 15, 31}) {
    const std::string at = "/" + std::to_string(distance);
    cases.push_back({"read_block" + at, tsan, run<S, read_block>, 32, dim3(NT), 0, distance});
    cases.push_back(
        {"read_block_other_thread" + at, tsan, run<S, read_block_other_thread>, 32, dim3(NT), 0, distance});
    cases.push_back({"read_block_between_barriers" + at, tsan, run<S, read_block_between_barriers>, 32,
                     dim3(NT), 0, distance});
  }
  for (unsigned blocks : {2, 4, 32})
    cases.push_back({"first_and_last_block_add/" + std::to_string(blocks), tsan,
                     run<S, first_and_last_block_add>, blocks});
  return cases;
}

}  // namespace
}  // namespace kernels::planted
