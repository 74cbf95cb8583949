#include "apps/check/junit.h"

#include <algorithm>
#include <sstream>

namespace apps {
namespace {

// For an attribute; control characters, which XML does not know, become '?'.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 32 && c != '\t' ? '?' : c;
    }
  return out;
}

}  // namespace

std::string junit_text(const std::string& suite, const std::vector<JunitCase>& cases) {
  double seconds = 0;
  for (const JunitCase& c : cases) seconds += c.seconds;
  const auto failures =
      std::count_if(cases.begin(), cases.end(), [](const JunitCase& c) { return !c.failure.empty(); });
  std::ostringstream s;
  s << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"" << escaped(suite) << "\" tests=\""
    << cases.size() << "\" failures=\"" << failures << "\" time=\"" << seconds << "\">\n";
  for (const JunitCase& c : cases) {
    s << "  <testcase classname=\"" << escaped(c.group) << "\" name=\"" << escaped(c.name) << "\" time=\""
      << c.seconds << '"';
    if (c.failure.empty())
      s << "/>\n";
    else
      s << ">\n    <failure message=\"" << escaped(c.failure) << "\"/>\n  </testcase>\n";
  }
  s << "</testsuite>\n";
  return s.str();
}

}  // namespace apps
