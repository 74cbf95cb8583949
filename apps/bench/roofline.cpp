#include "apps/bench/roofline.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "apps/report/markup.h"
#include "engine/error.h"

namespace apps {
namespace {

constexpr double kWidth = 1000, kHeight = 620, kLeft = 76, kRight = 20, kTop = 56, kBottom = 52;
constexpr double kFirst = 0.01, kLast = 0.1;  // intensities of the points without FLOPs

const char* const kStyle = R"css(
svg { --card: #fff; --quiet: #5d6773; --rule: #e1e5ea; --main: #2563c9; --second: #c08412; --alert: #b4540a; }
@media (prefers-color-scheme: dark) {
  svg { --card: #1d2127; --quiet: #9aa5b2; --rule: #313842; --main: #6ea8ff; --second: #e0b052; --alert: #f0a35e; } }
text { font: 11.5px system-ui, sans-serif; fill: var(--quiet); }
.grid { stroke: var(--rule); }
.point { fill: var(--main); }
.both { fill: none; stroke: var(--second); stroke-width: 1.6; }
.roof { fill: none; stroke: var(--alert); stroke-width: 1.6; }
)css";

struct LogAxis {
  double low, high, from, to;  // values, and where they are drawn
  double operator()(double v) const { return from + std::log(v / low) / std::log(high / low) * (to - from); }
};

double power_below(double v) { return std::pow(10, std::floor(std::log10(v))); }

struct Place {
  double intensity, flop_s;
};

// In the order of the points.
std::vector<Place> places_of(const std::vector<RooflinePoint>& points) {
  double without = 0, k = 0;
  for (const RooflinePoint& p : points) without += p.flops == 0;
  std::vector<Place> places;
  for (const RooflinePoint& p : points) {
    const double intensity =
        p.flops > 0 ? p.flops / p.bytes : kFirst * std::pow(kLast / kFirst, (k++ + 0.5) / without);
    places.push_back({intensity, intensity * p.bytes / p.seconds});
  }
  return places;
}

std::string text(double x, double y, const char* anchor, const std::string& what) {
  return engine::concat_text("<text class=\"label\" text-anchor=\"", anchor, "\" x=\"", x, "\" y=\"", y,
                             "\">", escaped(what), "</text>\n");
}

}  // namespace

std::string roofline(const std::vector<RooflinePoint>& points, const Ceilings& top) {
  const double copy = top.copy_gb_s * 1e9, product = top.gemm_gflop_s * 1e9, ridge = product / copy;
  const std::vector<Place> places = places_of(points);
  double low = product, right = 10 * ridge, high = product;
  for (const Place& p : places) {
    low = std::min(low, p.flop_s);
    high = std::max(high, p.flop_s);
    right = std::max(right, p.intensity);
  }
  const LogAxis x{kFirst, 10 * power_below(right), kLeft, kWidth - kRight},
      y{power_below(low), 2 * high, kHeight - kBottom, kTop};

  std::ostringstream s;
  s.precision(5);
  s << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << kWidth << ' ' << kHeight
    << "\" role=\"img\" aria-label=\"Roofline\">\n<style>" << kStyle << "</style>\n"
    << "<rect width=\"100%\" height=\"100%\" style=\"fill: var(--card)\"/>\n";
  for (double v = x.low; v <= x.high * 1.001; v *= 10)
    s << "<line class=\"grid\" x1=\"" << x(v) << "\" x2=\"" << x(v) << "\" y1=\"" << kTop << "\" y2=\""
      << y.from << "\"/><text class=\"tick\" text-anchor=\"middle\" x=\"" << x(v) << "\" y=\"" << y.from + 17
      << "\">" << compact(v) << "</text>\n";
  for (double v = y.low; v <= y.high * 1.001; v *= 10)
    s << "<line class=\"grid\" x1=\"" << kLeft << "\" x2=\"" << kWidth - kRight << "\" y1=\"" << y(v)
      << "\" y2=\"" << y(v) << "\"/><text class=\"tick\" text-anchor=\"end\" x=\"" << kLeft - 6 << "\" y=\""
      << y(v) + 4 << "\">" << compact(v / 1e9) << "</text>\n";
  s << text((kLeft + kWidth - kRight) / 2, kHeight - 10, "middle", "FLOP per byte")
    << "<text class=\"label\" text-anchor=\"middle\" transform=\"rotate(-90)\" x=\"" << -(kTop + y.from) / 2
    << "\" y=\"16\">GFLOP/s</text>\n"
    << "<path class=\"roof\" d=\"M" << x(x.low) << ' ' << y(std::max(x.low * copy, y.low)) << 'L' << x(ridge)
    << ' ' << y(product) << 'L' << x(x.high) << ' ' << y(product) << "\"/>\n"
    << text(x(x.high) - 4, y(product) - 7, "end",
            "a matrix product: " + compact(top.gemm_gflop_s) + " GFLOP/s")
    << text(x(ridge) - 30, y(product) + 4, "end", "a copy: " + compact(top.copy_gb_s) + " GB/s")
    << "<circle class=\"point\" r=\"4\" cx=\"" << kLeft + 8 << "\" cy=\"22\"/>\n"
    << text(kLeft + 18, 26, "start", "forward") << "<circle class=\"both\" r=\"4\" cx=\"" << kLeft + 88
    << "\" cy=\"22\"/>\n"
    << text(kLeft + 98, 26, "start", "forward and backward")
    << text(kLeft, 44, "start",
            "Up to 0.1 FLOP per byte: ops that count no FLOPs, in order of name; only their distance to the "
            "roof says something");
  for (std::size_t i = 0; i < points.size(); ++i) {
    const RooflinePoint& p = points[i];
    s << "<circle class=\"" << (p.pass == "forward" ? "point" : "both") << "\" r=\"4\" cx=\""
      << x(places[i].intensity) << "\" cy=\"" << y(places[i].flop_s) << "\"><title>"
      << escaped(
             engine::concat_text(p.op, ' ', p.shape, ", ", p.pass, ": ", compact(p.seconds * 1e3), " ms, "))
      << compact(100 * p.floor_part) << " % of the floor</title></circle>\n";
  }
  s << "</svg>\n";
  return s.str();
}

}  // namespace apps
