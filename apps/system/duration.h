#pragma once

#include <string>

namespace apps {

std::string duration_text(double seconds);  // "1:02:03", "2:03"

}  // namespace apps
