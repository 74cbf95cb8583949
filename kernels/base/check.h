// check(status): the one way to look at what a vendor library returned; throws with the caller's file and
// line. Overloaded in the header that wraps each library (check_cuda.h, onednn.h).
#pragma once

#include <stdexcept>
#include <string>

namespace kernels {

[[noreturn]] inline void fail(const std::string& library, const std::string& message, const char* what,
                              const char* file, int line) {
  throw std::runtime_error(library + ": " + message + (*what ? std::string(" in ") + what : "") + " (" +
                           file + ":" + std::to_string(line) + ")");
}

}  // namespace kernels
