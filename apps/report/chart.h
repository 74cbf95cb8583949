// Charts as inline SVG, and helpers for HTML.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace apps {

struct LineChart {
  std::string title, x_label, y_label;
  std::vector<double> x, y;  // many points are drawn as mean, minimum and maximum of bins
  std::optional<std::pair<double, std::string>> reference = {};  // a dashed line at a height, with its name
  bool from_zero = false;
  double width = 440;                      // of the drawing; the size of letters is fixed
  std::string name = {}, other_name = {};  // of two lines
  std::vector<double> other = {};          // of the second one, at the same x
};
std::string svg(const LineChart&);

// Points on a plane, coloured by their label.
struct Scatter {
  std::string title;
  std::vector<std::array<double, 2>> points;
  std::vector<int> labels;
  std::vector<std::string> classes;
};
std::string svg(const Scatter&);

// Rows of cells, darker for larger parts of the row's sum; row and column names are the classes.
std::string confusion_table(const std::vector<std::vector<int>>& counts,
                            const std::vector<std::string>& classes);

// Round numbers from low to high, about `count` of them.
std::vector<double> ticks(double low, double high, int count);

std::string escaped(const std::string& text);  // for HTML text and attributes
std::string base64(const std::string& bytes);
std::string data_uri(const std::string& png);  // of a PNG's bytes
std::string compact(double value);             // about four digits: "0.0123", "1,234"

}  // namespace apps
