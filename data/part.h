// Parts of images. What the views of an image read is known before it is decoded, so a reader may leave out
// the rest.
#pragma once

#include <algorithm>
#include <functional>

namespace data {

// A box of pixels.
struct Box {
  int top = 0, left = 0, height = 0, width = 0;

  bool operator==(const Box&) const = default;
};

// The smallest box around both.
inline Box joined(const Box& a, const Box& b) {
  const int top = std::min(a.top, b.top), left = std::min(a.left, b.left);
  return {top, left, std::max(a.top + a.height, b.top + b.height) - top,
          std::max(a.left + a.width, b.left + b.width) - left};
}

// What is needed of an image: a box inside it. scale: 1, 2, 4 or 8; a decoder may give 1/scale of the size.
struct Part {
  Box box;
  int scale = 1;
};

// Says what is needed of an image of height x width pixels.
using ChoosePart = std::function<Part(int height, int width)>;

// The image that some pixels are a part of: its size, and where in it they begin, counted in pixels of
// 1/scale of its size.
struct Source {
  int height = 0, width = 0;
  int top = 0, left = 0;
  int scale = 1;

  bool operator==(const Source&) const = default;
};

}  // namespace data
