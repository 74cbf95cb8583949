// SimCLR's views: one launch a batch, one block a view, the image as 8-bit values in shared memory.
#include <stdexcept>
#include <string>

#include "kernels/augment/color.h"
#include "kernels/augment/filter.h"
#include "kernels/augment/resample.h"
#include "kernels/kernels.h"

namespace kernels {
namespace {

// (value / 255 - mean) / std as value * scale + shift
struct Affine {
  double scale[3], shift[3];
};

template <int NT, class T>
__device__ __forceinline__ void store(const Image& image, const Affine& affine, T* y) {
  using A = acc_t<T>;
  const int size = image.size, pitch = image.pitch;
  const A scale[3] = {A(affine.scale[0]), A(affine.scale[1]), A(affine.scale[2])};
  const A shift[3] = {A(affine.shift[0]), A(affine.shift[1]), A(affine.shift[2])};
  const std::uint8_t *__restrict__ r = image.plane(0), *__restrict__ g = image.plane(1),
                     *__restrict__ b = image.plane(2);
  if constexpr (NT == 1) {
    for (int row = 0; row < size; ++row, y += 3 * size, r += pitch, g += pitch, b += pitch)
      for (int x = 0; x < size; ++x) {
        y[3 * x] = T(A(r[x]) * scale[0] + shift[0]);
        y[3 * x + 1] = T(A(g[x]) * scale[1] + shift[1]);
        y[3 * x + 2] = T(A(b[x]) * scale[2] + shift[2]);
      }
  } else {
    // neighbouring threads write neighbouring values
    for (int e = int(threadIdx.x); e < 3 * size * size; e += NT) {
      const int c = e % 3, place = e / 3;
      const std::uint8_t v = c == 0 ? r[place] : c == 1 ? g[place] : b[place];
      y[e] = T(c == 0   ? A(v) * scale[0] + shift[0]
               : c == 1 ? A(v) * scale[1] + shift[1]
                        : A(v) * scale[2] + shift[2]);
    }
  }
}

template <int NT, class T>
__global__ void __launch_bounds__(NT, 1)
    augment_kernel(int size, const std::uint8_t* pixels, const View* views, Affine affine, T* y) {
  SHARED_DYNAMIC(unsigned char, shared);
  const View view = views[blockIdx.x];  // a copy, with which nvcc needs fewer registers
  Image image{shared, size, pitch_of<NT>(size), nullptr, work_bytes_of<NT>(size)};
  image.work = shared + (3 * image.plane_bytes() + 15) / 16 * 16;

  resample<NT>(image, pixels + view.offset, view);
  if (view.angle != 0.0f) rotate<NT>(image, view.angle);
  __syncthreads();
  jitter<NT>(image, view);
  if (view.grayscale) grayscale<NT>(image);
  __syncthreads();
  if (view.blur_sigma > 0.0f) blur<NT>(image, view.blur_kernel, view.blur_sigma);
  if (view.solarize < 256) solarize<NT>(image, view.solarize);
  __syncthreads();
  store<NT>(image, affine, y + std::int64_t(blockIdx.x) * 3 * size * size);
}

template <int NT, class Stream, class T>
void launch_augment(Stream stream, std::int64_t n, int size, const std::uint8_t* pixels, const View* views,
                    const Affine& affine, T* y) {
  const int bytes = (3 * size * pitch_of<NT>(size) + 15) / 16 * 16 + work_bytes_of<NT>(size);
  launch<augment_kernel<NT, T>>(stream, Grid{dim3(unsigned(n)), dim3(NT), unsigned(bytes), "augment"}, size,
                                pixels, views, affine, y);
}

}  // namespace

template <class Stream, class T>
void augment(Stream stream, std::int64_t n, int size, const std::uint8_t* pixels, const View* views,
             const Normalization& normalization, T* y) {
  if (size < 1 || size > max_view_size)
    throw std::invalid_argument("augment: views of " + std::to_string(size) + " pixels, expected 1 to " +
                                std::to_string(max_view_size) + ", which fit a block's shared memory");
  if (n == 0) return;
  Affine affine;
  for (int c = 0; c < 3; ++c) {
    affine.scale[c] = 1 / (255 * normalization.std[c]);
    affine.shift[c] = -normalization.mean[c] / normalization.std[c];
  }
  if (size <= 64)
    launch_augment<threads<Stream>(128)>(stream, n, size, pixels, views, affine, y);
  else
    launch_augment<threads<Stream>(512)>(stream, n, size, pixels, views, affine, y);
}

INSTANTIATE_WITH_BF16(augment)

}  // namespace kernels
