// What ThreadSanitizer, AddressSanitizer and UBSan print, as findings: one line each.
#pragma once

#include <string>
#include <vector>

namespace apps {

// "data race: write of size 4 at scan.cu:31 (scan_kernel), previous read of size 4 at scan.cu:27
// (scan_kernel)". The place of an access is the innermost frame with a file that is not the SIMT layer's.
// Equal findings once.
std::vector<std::string> sanitizer_findings(const std::string& report);

}  // namespace apps
