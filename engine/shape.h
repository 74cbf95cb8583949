// The extents of a tensor: at most four, and no allocation.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <ostream>

#include "engine/error.h"

namespace engine {

class Shape {
 public:
  Shape(std::initializer_list<std::int64_t> extents) : rank_(int(extents.size())) {
    require(rank_ <= 4, "Shape: rank ", rank_, ", expected at most 4");
    int i = 0;
    std::int64_t elements = 1;
    for (std::int64_t e : extents) {
      require(e >= 0, "Shape: extent ", e, ", expected at least 0");
      require(!__builtin_mul_overflow(elements, e, &elements), "Shape: more than 2^63 elements");
      extents_[i++] = e;
    }
  }

  int rank() const { return rank_; }
  std::int64_t operator[](int i) const { return extents_[i]; }
  std::int64_t numel() const {
    std::int64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= extents_[i];
    return n;
  }
  bool operator==(const Shape&) const = default;

 private:
  int rank_;
  std::int64_t extents_[4] = {};  // zero past the rank, so that == is memberwise
};

// The shape with another number of rows, its first extent.
inline Shape with_rows(const Shape& s, std::int64_t rows) {
  require(s.rank() >= 1, "with_rows: ", s.rank(), " extents, expected at least 1");
  return s.rank() == 1   ? Shape{rows}
         : s.rank() == 2 ? Shape{rows, s[1]}
         : s.rank() == 3 ? Shape{rows, s[1], s[2]}
                         : Shape{rows, s[1], s[2], s[3]};
}

inline std::ostream& operator<<(std::ostream& out, const Shape& s) {
  out << '(';
  for (int i = 0; i < s.rank(); ++i) out << (i ? "," : "") << s[i];
  return out << ')';
}

}  // namespace engine
