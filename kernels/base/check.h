// check(status) throws, with the caller's file and line, if a vendor library's call has failed. The header
// that wraps a library defines its overload (check_cuda.h, onednn.h).
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
