// What ThreadSanitizer, AddressSanitizer and UBSan print, as findings: one line each.
#pragma once

#include <string>
#include <vector>

namespace apps {

// "data race: write of size 4 at scan.cu:31 (scan_kernel) by thread (3,0,0) of block (1,0,0), previous read
// of size 4 at scan.cu:27 (scan_kernel) by thread (5,0,0) of block (0,0,0)". The place of an access is the
// innermost frame with a file that is not the SIMT layer's. What is at the same places once.
std::vector<std::string> sanitizer_findings(const std::string& report);

}  // namespace apps
