// A log of launches in order: (launcher, arguments). Two warm training steps must give equal logs, or the
// step could not be captured as a CUDA graph. A test also uses it to list the launchers that the cards run.
#pragma once

#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

namespace kernels {

// "relu" of __builtin_FUNCTION's "relu<kernels::CpuStream, float>"
inline std::string launcher_name(const char* function) {
  return std::string(function, std::strcspn(function, "<"));
}

class LaunchLog {
 public:
  struct Entry {
    std::string launcher;
    std::vector<std::string> arguments;  // each as its bytes
    std::string place = {};              // of the launch: "relu.cu:12"; "" for what is no launch
    bool operator==(const Entry&) const = default;
  };
  std::vector<Entry> entries;

  template <class... Args>
  Entry& add(const char* launcher, const Args&... args) {
    static_assert((std::is_trivially_copyable_v<Args> && ...), "kernel arguments are plain values");
    Entry& entry = entries.emplace_back();
    entry.launcher = launcher_name(launcher);
    (entry.arguments.emplace_back(reinterpret_cast<const char*>(&args), sizeof args), ...);
    return entry;
  }
};

// The active log, or null. Tests set it; launches and vendor calls add to it.
LaunchLog*& launch_log();

}  // namespace kernels
