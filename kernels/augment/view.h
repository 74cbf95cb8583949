// The parameters of one view of an image: drawn on the host (data/views.h), applied by augment.cu. They are
// plain bytes of a fixed layout, so that a batch of them is copied to a device without conversion.
#pragma once

#include <cstdint>

namespace kernels {

// Whose definitions of the ops a view follows: torchvision's, with 8-bit values between ops (augment.cu), or
// TensorFlow's with f32 values, as google-research/simclr (augment_f32.cu).
enum class ViewRules : std::uint8_t { torchvision, tensorflow };

enum class Jitter : std::uint8_t { none, brightness, contrast, saturation, hue };

// The numbers in the comments give the order in which the fields are applied.
struct View {
  std::int64_t offset;                   // of the source image in the pixel buffer, in bytes
  std::int32_t height, width;            // of the source, 8-bit RGB, rows without gaps
  std::int32_t top, left;                // 1. the crop box, inside the source,
  std::int32_t crop_height, crop_width;  //    resized to the size of the output
  float angle;                           // 3. rotation in degrees, counter-clockwise; 0: none
  float factor[4];                       // 4. of jitter[i]
  float blur_sigma;                      // 6. 0: no blur
  std::int32_t blur_kernel;              //    taps: odd, at most max_blur_kernel and 2 size - 1
  std::int32_t solarize;                 // 7. values at least this large are inverted; 256: none
  Jitter jitter[4];                      // 4. color jitter, in this order
  std::uint8_t flip;                     // 2. left and right are exchanged
  std::uint8_t grayscale;                // 5.
  std::uint8_t bicubic;                  // 1. or bilinear
  std::uint8_t antialias;                // 1. widen the filter when the crop is shrunk

  bool operator==(const View&) const = default;
};
static_assert(sizeof(View) == 72);

inline constexpr int max_blur_kernel = 63;
inline constexpr int max_view_size =
    224;  // the image and its scratch memory fill a block's shared memory (sm_90)

inline constexpr float max_view_number =
    1e6f;  // of a factor, an angle or a sigma: their products stay finite

// output = (value / 255 - mean) / std, for each channel
struct Normalization {
  double mean[3], std[3];
};

// Whether the range [begin, begin + length) lies inside [0, end). It cannot overflow, whatever the numbers
// are.
constexpr bool inside(std::int64_t begin, std::int64_t length, std::int64_t end) {
  return begin >= 0 && length >= 0 && begin <= end && length <= end - begin;
}

constexpr bool in_range(float value, float least, float most) {  // false for a NaN
  return value >= least && value <= most;
}

// Null if a view of the given size can be made from a pixel buffer of `bytes` bytes, else what is wrong with
// the view. It is checked on the host, since a kernel cannot report an error. The numbers may come from a
// file, so no sum or product of them may overflow.
inline const char* fault(const View& v, std::int64_t bytes, int size) {
  if (v.height < 1 || v.width < 1) return "an empty source image";
  const std::int64_t pixels = std::int64_t(v.height) * v.width;  // less than 2^62
  if (!inside(v.offset, 0, bytes) || pixels > (bytes - v.offset) / 3)
    return "a source image that is not inside the pixel buffer";
  if (v.crop_height < 1 || v.crop_width < 1 || !inside(v.top, v.crop_height, v.height) ||
      !inside(v.left, v.crop_width, v.width))
    return "a crop box that is not inside the source image";
  for (int i = 0; i < 4; ++i) {
    if (v.jitter[i] > Jitter::hue) return "a color jitter of an unknown kind";
    if (!in_range(v.factor[i], -max_view_number, max_view_number))
      return "a jitter factor that is no number or too large";
  }
  if (!in_range(v.angle, -max_view_number, max_view_number)) return "an angle that is no number or too large";
  if (!in_range(v.blur_sigma, 0.0f, max_view_number))
    return "a blur sigma that is negative, no number or too large";
  if (v.blur_sigma > 0 && (v.blur_kernel < 1 || v.blur_kernel % 2 == 0 || v.blur_kernel > max_blur_kernel ||
                           v.blur_kernel > 2 * size - 1))
    return "a blur kernel that is even, over 63 taps or wider than the reflected image";
  return nullptr;
}

}  // namespace kernels
