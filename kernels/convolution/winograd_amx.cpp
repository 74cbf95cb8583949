#include "kernels/convolution/winograd_amx.h"

#ifdef __AVX512F__
#include <immintrin.h>

#include <algorithm>
#include <atomic>

#include "kernels/tiles/bf16_parts.h"

// A tile is 16 rows of 64 bytes. tdpbf16ps adds to a 16 x 16 tile of f32 the product of 16 rows of 32 bf16
// and of 32 rows of 16, the latter in pairs of rows: [pair][column][2].
#define AMX_FUNCTION __attribute__((target("amx-tile,amx-bf16")))

namespace kernels::amx {
namespace {

constexpr int panel = 32;  // winograd_panel<CpuStream, float> with AVX-512; also the depth of a tile
constexpr int tile_rows = 16, pairs = panel / 2;

using V = Vector<float, 16>;
using Bits = PartBits<V>;

struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

// The left operand: [panel of the depth][part][row][32]; `rows` are those of a panel.
struct Left {
  const std::uint16_t* data;
  std::int64_t rows;
};
// The right operand: [panel of the depth][part][half of the 32 columns][pair][16 columns][2], so that a tile
// is 1 KB of neighbouring lines, which the CPU prefetches.
struct Right {
  const std::uint16_t* data;
};

// The register tiles of this thread: 0 to 3 hold the result (2 x 2 tiles), 4 and 5 the left operand, 6 and 7
// the right one. The intrinsics take literal numbers only.
template <int PARTS>
class Tiles {
 public:
  Tiles() = default;
  AMX_FUNCTION ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;

  // c[rows][32] (+)= a b with the depth of `panels`; rows <= 32.
  AMX_FUNCTION void multiply(Left a, Right b, int rows, std::int64_t panels, float* c, bool accumulate) {
    a_ = a;
    b_ = b;
    configure(rows);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    run(panels);
    if (!accumulate) return store_result(c);
    alignas(64) float sum[2 * tile_rows * panel];
    store_result(sum);
    for (int i = 0; i < rows * panel; i += 16) store(c + i, load<V>(c + i) + load<V>(sum + i));
  }

 private:
  AMX_FUNCTION void configure(int rows) {  // seldom: it takes as long as ten products of tiles
    if (rows == rows_) return;
    rows_ = rows;
    second_ = rows > tile_rows;
    TileConfig config;
    for (int t = 0; t < 8; ++t) {
      const int left = t == 2 || t == 3 || t == 5 ? rows - tile_rows : rows;  // tiles of the second 16 rows
      config.row_bytes[t] = 64;
      config.rows[t] = std::uint8_t(t > 5 ? tile_rows : std::clamp(left, 1, tile_rows));
    }
    _tile_loadconfig(&config);
  }

  // The small products come first: added to a large sum they would each be rounded to its precision.
  AMX_FUNCTION void run(std::int64_t panels) {
    for (std::int64_t q = 0; q < panels; ++q) {
      at(q);
      if constexpr (PARTS == 3) {
        load_left(2), load_right(0), multiply(), ahead(0);
        load_left(1), multiply(), ahead(1);
        load_right(1), multiply(), ahead(2);
        load_left(0), multiply(), ahead(3);
        load_right(2), multiply(), ahead(4);
      } else {
        load_left(1), load_right(0), multiply(), ahead(0);
        load_left(0), load_right(1), multiply(), ahead(1);
      }
    }
    for (std::int64_t q = 0; q < panels; ++q) at(q), load_left(0), load_right(0), multiply();
  }

  AMX_FUNCTION void store_result(float* c) const {
    _tile_stored(0, c, panel * 4);
    _tile_stored(1, c + 16, panel * 4);
    if (!second_) return;
    _tile_stored(2, c + tile_rows * panel, panel * 4);
    _tile_stored(3, c + tile_rows * panel + 16, panel * 4);
  }

  AMX_FUNCTION void at(std::int64_t q) {
    from_a_ = a_.data + q * PARTS * a_.rows * panel;
    from_b_ = b_.data + q * PARTS * panel * panel;
  }
  // Prefetches a piece of the right operand's next panel. All of it at once would block the loads of tiles.
  AMX_FUNCTION void ahead(int piece) const {
    constexpr int lines = PARTS * panel, pieces = PARTS == 3 ? 5 : 2, some = ceil_div(lines, pieces);
    const std::uint16_t* next = from_b_ + PARTS * panel * panel + piece * some * 32;
    for (int i = 0; i < some; ++i) prefetch(next + i * 32);
  }
  AMX_FUNCTION void load_left(int part) const {
    const std::uint16_t* from = from_a_ + part * a_.rows * panel;
    _tile_loadd(4, from, panel * 2);
    if (second_) _tile_loadd(5, from + tile_rows * panel, panel * 2);
  }
  AMX_FUNCTION void load_right(int part) const {
    const std::uint16_t* from = from_b_ + part * panel * panel;
    _tile_loadd(6, from, panel * 2);
    _tile_loadd(7, from + tile_rows * panel, panel * 2);
  }
  AMX_FUNCTION void multiply() const {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (!second_) return;
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }

  int rows_ = 0;  // of the result
  bool second_ = false;
  Left a_{};
  Right b_{};
  const std::uint16_t *from_a_ = nullptr, *from_b_ = nullptr;
};

// The intrinsics don't tell the compiler that they read memory: what was stored before must be there.
inline void stores_are_done() { std::atomic_signal_fence(std::memory_order_seq_cst); }

// The odd elements of a, then those of b: the upper halves of 32 floats in order.
inline Vector<std::uint16_t, 32> upper_halves(Bits a, Bits b) {
  using H = Vector<std::uint16_t, 32>;
  return __builtin_shufflevector(std::bit_cast<H>(a), std::bit_cast<H>(b), 1, 3, 5, 7, 9, 11, 13, 15, 17, 19,
                                 21, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57,
                                 59, 61, 63);
}

// Rows of 32 floats become rows of each part, `part_stride` elements apart.
template <int PARTS>
void split_rows(const float* from, std::int64_t rows, std::uint16_t* to, std::int64_t part_stride) {
  for (std::int64_t r = 0; r < rows; ++r, from += panel, to += panel) {
    Bits low[PARTS], high[PARTS];
    split(load<V>(from), low);
    split(load<V>(from + 16), high);
    for (int p = 0; p < PARTS; ++p) store(to + p * part_stride, upper_halves(low[p], high[p]));
  }
}

// Two neighbouring rows of 32 floats, 16 columns from `from`, as pairs; a row at or past `rows` is zero.
template <int PARTS>
void split_pair(const float* from, std::int64_t row, std::int64_t rows, Bits (&pair)[PARTS]) {
  Bits second[PARTS];
  split(row < rows ? load<V>(from + row * panel) : V{}, pair);
  split(row + 1 < rows ? load<V>(from + (row + 1) * panel) : V{}, second);
  for (int p = 0; p < PARTS; ++p) pair[p] = pair_halves(pair[p], second[p]);
}

// `rows` rows of 32 floats as a right operand, whose depth are the rows.
template <int PARTS>
void split_right(const float* from, std::int64_t rows, std::uint16_t* to) {
  for (std::int64_t r = 0; r < round_up(rows, panel); r += 2)
    for (int j = 0; j < panel; j += 16) {
      Bits pair[PARTS];
      split_pair(from + j, r, rows, pair);
      for (int p = 0; p < PARTS; ++p)
        store(to + (r / panel * PARTS + p) * panel * panel + (j + r % panel / 2) * panel, pair[p]);
    }
}

// Element i is element index[i] of a and b together.
inline Bits choose_elements(Bits a, Bits index, Bits b) {
  return std::bit_cast<Bits>(_mm512_permutex2var_epi32(
      std::bit_cast<__m512i>(a), std::bit_cast<__m512i>(index), std::bit_cast<__m512i>(b)));
}

// Transposes a 16 x 16 matrix: in step s the halves of 2^s rows are exchanged.
template <int S>
void exchange(Bits (&m)[16]) {
  constexpr unsigned d = 1 << S;
  Bits first, second;
  for (unsigned i = 0; i < 16; ++i) {
    first[i] = i & d ? (i ^ d) + 16 : i;
    second[i] = i & d ? i + 16 : i ^ d;
  }
  for (unsigned i = 0; i < 16; ++i) {
    if (i & d) continue;
    const Bits a = m[i], b = m[i + d];
    m[i] = choose_elements(a, first, b);
    m[i + d] = choose_elements(a, second, b);
  }
}
void transpose(Bits (&m)[16]) {
  exchange<0>(m);
  exchange<1>(m);
  exchange<2>(m);
  exchange<3>(m);
}

// `rows` rows of 32 floats as a left operand with 32 rows, whose depth are the rows here: its transpose.
template <int PARTS>
void split_left_transposed(const float* from, std::int64_t rows, std::uint16_t* to, std::int64_t left_rows) {
  for (std::int64_t q = 0; q < rows; q += panel)
    for (int j = 0; j < panel; j += 16) {
      Bits part[PARTS][16];
      for (int i = 0; i < pairs; ++i) {
        Bits pair[PARTS];
        split_pair(from + j, q + 2 * i, rows, pair);
        for (int p = 0; p < PARTS; ++p) part[p][i] = pair[p];
      }
      for (int p = 0; p < PARTS; ++p) {
        transpose(part[p]);
        std::uint16_t* row = to + ((q / panel * PARTS + p) * left_rows + j) * panel;
        for (int i = 0; i < 16; ++i) store(row + i * panel, part[p][i]);
      }
    }
}

template <int PARTS, int S>
void product_of(int point, std::int64_t count, const WinogradDomain& d, float* domain,
                const WinogradFilter& du, const std::uint16_t* u, std::uint16_t* left) {
  Tiles<PARTS> tiles;
  const std::int64_t in_panels = du.rows / panel, out_panels = du.columns / panel;
  const std::int64_t rows = count * winograd_members<S>(point);
  float* const of_point = domain + d.offset<S>(point);
  for (std::int64_t row = 0; row < rows; row += product_rows) {
    const std::int64_t some = std::min(product_rows, rows - row);
    for (std::int64_t q = 0; q < in_panels; ++q)
      split_rows<PARTS>(of_point + q * d.panel_stride<S>(point) + row * panel, some,
                        left + q * PARTS * product_rows * panel, product_rows * panel);
    stores_are_done();
    for (std::int64_t out = 0; out < out_panels; ++out)
      for (std::int64_t i = 0; i < some; i += 2 * tile_rows)
        tiles.multiply({left + i * panel, product_rows},
                       {u + PARTS * (du.offset(point) + out * du.rows * panel)},
                       int(std::min<std::int64_t>(2 * tile_rows, some - i)), in_panels,
                       of_point + out * d.panel_stride<S>(point) + (row + i) * panel, false);
  }
}

template <int PARTS, int S>
void gradient_product_of(int point, std::int64_t k_first, std::int64_t c_first, std::int64_t count,
                         const WinogradDomain& dw, const float* w, const WinogradDomain& dv, const float* v,
                         const WinogradFilter& du, float* u, bool accumulate, std::uint16_t* left) {
  const std::int64_t rows = count * winograd_members<S>(point);
  const std::int64_t k_panels = std::min(k_panels_most, du.rows / panel - k_first),
                     c_panels = std::min(c_panels_most, du.columns / panel - c_first);
  Tiles<PARTS> tiles;
  constexpr std::int64_t left_rows = k_panels_most * panel, right_size = PARTS * gradient_rows * panel;
  std::uint16_t* right = left + PARTS * left_rows * gradient_rows;
  for (std::int64_t row = 0; row < rows; row += gradient_rows) {
    const std::int64_t depth = std::min(gradient_rows, rows - row);
    for (std::int64_t k = 0; k < k_panels; ++k)
      split_left_transposed<PARTS>(
          w + dw.offset<S>(point) + (k_first + k) * dw.panel_stride<S>(point) + row * panel, depth,
          left + k * panel * panel, left_rows);
    for (std::int64_t c = 0; c < c_panels; ++c)
      split_right<PARTS>(v + dv.offset<S>(point) + (c_first + c) * dv.panel_stride<S>(point) + row * panel,
                         depth, right + c * right_size);
    stores_are_done();
    for (std::int64_t c = 0; c < c_panels; ++c)
      for (std::int64_t k = 0; k < k_panels; ++k)
        tiles.multiply({left + k * panel * panel, left_rows}, {right + c * right_size}, panel,
                       ceil_div(depth, panel),
                       u + du.offset(point) + ((c_first + c) * du.rows + (k_first + k) * panel) * panel,
                       accumulate || row > 0);
  }
}

}  // namespace

void product(int parts, int stride, int point, std::int64_t count, const WinogradDomain& d, float* domain,
             const WinogradFilter& du, const std::uint16_t* u, void* scratch) {
  const auto run = parts == 3 ? (stride == 1 ? product_of<3, 1> : product_of<3, 2>)
                              : (stride == 1 ? product_of<2, 1> : product_of<2, 2>);
  run(point, count, d, domain, du, u, static_cast<std::uint16_t*>(scratch));
}

std::int64_t gradient_pieces(const WinogradFilter& u) {
  return 36 * ceil_div(u.rows, k_panels_most * panel) * ceil_div(u.columns, c_panels_most * panel);
}

void gradient_product(int parts, int stride, std::int64_t piece, std::int64_t count, const WinogradDomain& dw,
                      const float* w, const WinogradDomain& dv, const float* v, const WinogradFilter& du,
                      float* u, bool accumulate, void* scratch) {
  const auto run = parts == 3 ? (stride == 1 ? gradient_product_of<3, 1> : gradient_product_of<3, 2>)
                              : (stride == 1 ? gradient_product_of<2, 1> : gradient_product_of<2, 2>);
  const std::int64_t k_groups = ceil_div(du.rows, k_panels_most * panel), group = piece / 36;
  run(int(piece % 36), group % k_groups * k_panels_most, group / k_groups * c_panels_most, count, dw, w, dv,
      v, du, u, accumulate, static_cast<std::uint16_t*>(scratch));
}

}  // namespace kernels::amx

#undef AMX_FUNCTION
#endif
