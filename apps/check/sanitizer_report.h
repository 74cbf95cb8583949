// What ThreadSanitizer, AddressSanitizer and UBSan print, as findings: one line each.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace apps {

// "data race: write of size 4 at scan.cu:31 (scan_kernel) by thread (3,0,0) of block (1,0,0), previous read
// of size 4 at scan.cu:27 (scan_kernel) by thread (5,0,0) of block (0,0,0)". The place of an access is the
// innermost frame with a file that is not the SIMT layer's. What is at the same places once.
//
// g++'s runtime does not find the file of some frames, only their module and offset ("cards", "0xc257"):
// `file_of` gives those as "FILE:LINE", as "MODULE:OFFSET" where it knows no more, which is the place if no
// frame has a file, or "" for a module that is nobody's.
using FileOf = std::function<std::string(const std::string& module, const std::string& offset)>;
std::vector<std::string> sanitizer_findings(
    const std::string& report,
    const FileOf& file_of = [](const auto&, const auto&) { return std::string(); });

// Of this program, as addr2line (binutils) has it: the innermost line that is not the SIMT layer's, if there
// is one.
std::string file_in_this_program(const std::string& module, const std::string& offset);

}  // namespace apps
