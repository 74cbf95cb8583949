// A record of what was launched: (launcher, arguments) in order. Two warm training steps must give equal
// logs, or the step could not be captured as a CUDA graph; and a test asks which launchers the cards have
// reached.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/base/hash.h"

namespace kernels {

// "relu" of __builtin_FUNCTION's "relu<kernels::CpuStream, float>"
inline std::string launcher_name(const char* function) {
  return std::string(function, std::strcspn(function, "<"));
}

class LaunchLog {
 public:
  struct Entry {
    std::string launcher;
    std::vector<std::uint64_t> arguments;  // pointers and scalars as bits; of a struct, a hash of its bytes
    bool operator==(const Entry&) const = default;
  };
  std::vector<Entry> entries;

  template <class... Args>
  void add(const char* launcher, const Args&... args) {
    entries.push_back({launcher_name(launcher), {bits(args)...}});
  }

 private:
  template <class T>
  static std::uint64_t bits(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>, "kernel arguments are plain values");
    return fnv1a(&value, sizeof value);
  }
};

// The log in use, or null. Set by tests; launches and vendor calls add to it.
LaunchLog*& launch_log();

}  // namespace kernels
