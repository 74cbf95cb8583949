#include "apps/report/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <sstream>

namespace apps {
namespace {

constexpr double kHeight = 250;                                          // of the drawing, in its own units
constexpr double kLeastLeft = 52, kRight = 12, kTop = 14, kBottom = 42;  // margins
constexpr std::size_t kBins = 200;

struct Bin {
  double x, low, mean, high;
};

// Values that aren't finite are left out.
std::vector<Bin> bins(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<Bin> result;
  const std::size_t n = std::min(x.size(), y.size()), count = std::min(n, kBins);
  for (std::size_t b = 0; b < count; ++b) {
    Bin bin{0, std::numeric_limits<double>::infinity(), 0, -std::numeric_limits<double>::infinity()};
    double found = 0;
    for (std::size_t i = b * n / count; i < (b + 1) * n / count; ++i) {
      if (!std::isfinite(y[i])) continue;
      bin.x += x[i];
      bin.mean += y[i];
      bin.low = std::min(bin.low, y[i]);
      bin.high = std::max(bin.high, y[i]);
      ++found;
    }
    if (found == 0) continue;
    bin.x /= found;
    bin.mean /= found;
    result.push_back(bin);
  }
  return result;
}

struct Axis {
  double low, high, from, to;  // values, and where they are drawn
  double operator()(double v) const { return from + (v - low) / (high - low) * (to - from); }
};

Axis axis(double low, double high, double from, double to) {
  if (!(high > low)) {  // one value: widen the range
    const double room = low == 0 ? 1 : std::abs(low) / 2;
    low -= room;
    high += room;
  }
  return {low, high, from, to};
}

void draw_line(std::ostringstream& s, const std::vector<Bin>& points, const Axis& x, const Axis& y,
               const char* kind) {
  if (points.empty()) return;
  s << "<path class=\"band " << kind << "\" d=\"";
  for (std::size_t i = 0; i < points.size(); ++i)
    s << (i == 0 ? "M" : "L") << x(points[i].x) << ' ' << y(points[i].high);
  for (std::size_t i = points.size(); i-- > 0;) s << 'L' << x(points[i].x) << ' ' << y(points[i].low);
  s << "Z\"/>\n<path class=\"line " << kind << "\" d=\"";
  for (std::size_t i = 0; i < points.size(); ++i)
    s << (i == 0 ? "M" : "L") << x(points[i].x) << ' ' << y(points[i].mean);
  s << "\"/>\n";
  if (points.size() == 1)
    s << "<circle class=\"point " << kind << "\" r=\"3\" cx=\"" << x(points[0].x) << "\" cy=\""
      << y(points[0].mean) << "\"/>\n";
}

}  // namespace

std::vector<double> ticks(double low, double high, int count) {
  std::vector<double> result;
  if (!(high > low)) return {low};
  const double rough = (high - low) / count, power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough / power < 1.5   ? 1
                               : rough / power < 3.5 ? 2
                               : rough / power < 7.5 ? 5
                                                     : 10);
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i)
    result.push_back(i == 0 ? 0 : i * step);
  return result;
}

std::string svg(const LineChart& c) {
  const std::vector<Bin> points = bins(c.x, c.y), others = bins(c.x, c.other);
  std::ostringstream s;
  s.precision(6);
  s << "<figure class=\"chart\"><figcaption>" << escaped(c.title) << "</figcaption>\n";
  if (points.empty()) {
    s << "<p class=\"quiet\">No values.</p></figure>\n";
    return s.str();
  }
  double low = c.from_zero ? 0 : points[0].low, high = points[0].high;
  for (const auto* line : {&points, &others})
    for (const Bin& p : *line) {
      low = std::min(low, p.low);
      high = std::max(high, p.high);
    }
  if (c.reference) {
    low = std::min(low, c.reference->first);
    high = std::max(high, c.reference->first);
  }
  const double room = (high - low) * 0.06;
  const Axis y = axis(c.from_zero ? low : low - room, high + room, kHeight - kBottom, kTop);
  double left = kLeastLeft;  // the numbers of y, and its label beside them
  const std::vector<double> y_ticks = ticks(y.low, y.high, 5);
  for (const double v : y_ticks) left = std::max(left, 7. * double(compact(v).size()) + 22);
  const Axis x = axis(points.front().x, points.back().x, left, c.width - kRight);

  s << "<svg viewBox=\"0 0 " << c.width << ' ' << kHeight << "\" role=\"img\" aria-label=\""
    << escaped(c.title) << "\">\n";
  for (const double v : y_ticks)
    s << "<line class=\"grid\" x1=\"" << left << "\" x2=\"" << c.width - kRight << "\" y1=\"" << y(v)
      << "\" y2=\"" << y(v) << "\"/><text class=\"tick\" text-anchor=\"end\" x=\"" << left - 6 << "\" y=\""
      << y(v) + 4 << "\">" << compact(v) << "</text>\n";
  for (const double v : ticks(x.low, x.high, int(c.width / 90)))
    s << "<text class=\"tick\" text-anchor=\"middle\" x=\"" << x(v) << "\" y=\"" << kHeight - kBottom + 17
      << "\">" << compact(v) << "</text>\n";
  s << "<text class=\"label\" text-anchor=\"middle\" x=\"" << (left + c.width - kRight) / 2 << "\" y=\""
    << kHeight - 6 << "\">" << escaped(c.x_label) << "</text>\n";
  if (!c.y_label.empty())
    s << "<text class=\"label\" text-anchor=\"middle\" transform=\"rotate(-90)\" x=\""
      << -(kTop + kHeight - kBottom) / 2 << "\" y=\"11\">" << escaped(c.y_label) << "</text>\n";

  draw_line(s, others, x, y, "other");
  draw_line(s, points, x, y, "");
  if (c.reference) {
    const double at = y(c.reference->first);
    s << "<line class=\"reference\" x1=\"" << left << "\" x2=\"" << c.width - kRight << "\" y1=\"" << at
      << "\" y2=\"" << at << "\"/><text class=\"reference-label\" text-anchor=\"end\" x=\""
      << c.width - kRight << "\" y=\"" << at + 15 << "\">" << escaped(c.reference->second) << "</text>\n";
  }
  s << "</svg>";
  if (!others.empty())
    s << "<ul class=\"legend\"><li><i class=\"main\"></i>" << escaped(c.name)
      << "</li><li><i class=\"other\"></i>" << escaped(c.other_name) << "</li></ul>";
  s << "</figure>\n";
  return s.str();
}

std::string svg(const Scatter& c) {
  constexpr double width = 900, height = 600, margin = 14;
  std::array<double, 2> low = {0, 0}, high = {0, 0};
  for (std::size_t i = 0; i < c.points.size(); ++i)
    for (std::size_t k = 0; k < 2; ++k) {
      low[k] = i == 0 ? c.points[i][k] : std::min(low[k], c.points[i][k]);
      high[k] = i == 0 ? c.points[i][k] : std::max(high[k], c.points[i][k]);
    }
  const Axis x = axis(low[0], high[0], margin, width - margin),
             y = axis(low[1], high[1], height - margin, margin);
  std::ostringstream s;
  s << "<figure class=\"chart\"><figcaption>" << escaped(c.title) << "</figcaption>\n<svg viewBox=\"0 0 "
    << width << ' ' << height << "\" role=\"img\" aria-label=\"" << escaped(c.title) << "\">\n";
  for (std::size_t i = 0; i < c.points.size(); ++i) {
    char circle[96];
    std::snprintf(circle, sizeof circle, "<circle class=\"k%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n",
                  c.labels.at(i) % 10, x(c.points[i][0]), y(c.points[i][1]));
    s << circle;
  }
  s << "</svg>";
  if (c.classes.size() <= 10) {
    s << "<ul class=\"legend\">";
    for (std::size_t k = 0; k < c.classes.size(); ++k)
      s << "<li><i class=\"k" << k << "\"></i>" << escaped(c.classes[k]) << "</li>";
    s << "</ul>";
  }
  s << "</figure>\n";
  return s.str();
}

std::string confusion_table(const std::vector<std::vector<int>>& counts,
                            const std::vector<std::string>& classes) {
  std::ostringstream s;
  s << "<div class=\"scroll\"><table class=\"confusion\"><thead><tr><th class=\"corner\">true \\ said</th>";
  for (const auto& name : classes) s << "<th><span>" << escaped(name) << "</span></th>";
  s << "</tr></thead><tbody>\n";
  for (std::size_t i = 0; i < counts.size(); ++i) {
    double sum = 0;
    for (const int n : counts[i]) sum += n;
    s << "<tr><th>" << escaped(i < classes.size() ? classes[i] : std::to_string(i)) << "</th>";
    for (std::size_t j = 0; j < counts[i].size(); ++j) {
      const double part = sum > 0 ? counts[i][j] / sum : 0;
      char style[80];
      std::snprintf(style, sizeof style, "<td%s style=\"--part:%.3f\">", part > 0.55 ? " class=\"dark\"" : "",
                    part);
      s << style << (counts[i][j] > 0 ? std::to_string(counts[i][j]) : "") << "</td>";
    }
    s << "</tr>\n";
  }
  s << "</tbody></table></div>\n";
  return s.str();
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) < 32 && c != '\n')
      out += ' ';
    else
      out += c;
  }
  return out;
}

std::string base64(const std::string& bytes) {
  static const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) {
      return i + k < bytes.size() ? std::uint32_t(static_cast<unsigned char>(bytes[i + k])) : 0;
    };
    const std::uint32_t three = byte(0) << 16 | byte(1) << 8 | byte(2);
    out += digits[three >> 18];
    out += digits[three >> 12 & 63];
    out += i + 1 < bytes.size() ? digits[three >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? digits[three & 63] : '=';
  }
  return out;
}

std::string data_uri(const std::string& png) { return "data:image/png;base64," + base64(png); }

std::string compact(double value) {
  if (!std::isfinite(value)) return "not finite";
  char text[40];
  if (std::abs(value) < 1000) {
    std::snprintf(text, sizeof text, "%.4g", value);
    return std::strcmp(text, "-0") == 0 ? "0" : text;  // the compiler may ignore the sign of zero
  }
  if (std::abs(value) >= 1e9) {
    std::snprintf(text, sizeof text, "%.3g", value);
    return text;
  }
  std::snprintf(text, sizeof text, "%ld", std::lround(value));
  std::string out = text;
  for (std::ptrdiff_t i = std::ptrdiff_t(out.size()) - 3; i > (value < 0 ? 1 : 0); i -= 3)
    out.insert(std::size_t(i), ",");
  return out;
}

}  // namespace apps
