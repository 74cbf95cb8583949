#pragma once

#include <string>

namespace apps {

std::string duration_text(double seconds);   // "1:02:03", "2:03"
std::string rough_duration(double seconds);  // "40 s", "12 min", "3 h 20 min", "4 d 5 h"

}  // namespace apps
