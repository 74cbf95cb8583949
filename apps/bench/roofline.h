// How fast ops are beside what the machine can do, as a chart.
#pragma once

#include <string>
#include <vector>

#include "apps/bench/times.h"

namespace apps {

struct RooflinePoint {
  std::string op, shape;
  std::string pass;     // "forward", or "forward and backward"
  double flops, bytes;  // flops 0: the op counts none
  double seconds;
  double floor_part;  // of the seconds, what the ceilings allow
};

// An SVG file: FLOP/s over FLOP per byte, both logarithmic, under the roof of the ceilings. A point's title
// says what it is. Points without FLOPs stand to the left, each at an intensity of its own that says nothing:
// what their height says is how far their bytes are below the roof.
std::string roofline(const std::vector<RooflinePoint>&, const Ceilings&);

}  // namespace apps
