#include "apps/system/duration.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace apps {

std::string duration_text(double seconds) {
  const long s = std::lround(std::max(0.0, seconds));
  char text[32];
  if (s >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", s / 60, s % 60);
  return text;
}

std::string rough_duration(double seconds) {
  const long minutes = std::lround(seconds / 60), hours = std::lround(seconds / 3600);
  const auto two = [](long large, const char* large_unit, long small, const char* small_unit) {
    const std::string text = std::to_string(large) + large_unit;
    return small == 0 ? text : text + " " + std::to_string(small) + small_unit;
  };
  if (seconds < 59.5) return std::to_string(std::max(1L, std::lround(seconds))) + " s";
  if (minutes < 60) return std::to_string(minutes) + " min";
  if (hours < 24 && minutes < 24 * 60) return two(minutes / 60, " h", minutes % 60, " min");
  return two(hours / 24, " d", hours % 24, " h");
}

}  // namespace apps
