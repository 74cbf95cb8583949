// Results as JUnit's XML, which CI systems show.
#pragma once

#include <string>
#include <vector>

namespace apps {

struct JunitCase {
  std::string group, name;
  double seconds = 0;
  std::string failure = "";  // "": passed
};

std::string junit_text(const std::string& suite, const std::vector<JunitCase>& cases);

}  // namespace apps
