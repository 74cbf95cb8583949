#include "apps/system/memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

namespace apps {
namespace {

// The number in a file. None: it is not there, or it is "max".
std::optional<double> number_in(const std::string& path) {
  std::ifstream file(path);
  double value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

// The number after `key` in a file with a key at the begin of each line; 0 if it has none.
double number_of(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  std::string line, word;
  for (double value = 0; std::getline(file, line);) {
    std::istringstream words(line);
    if (words >> word >> value && word == key) return value;
  }
  return 0;
}

struct Hierarchy {
  std::string mount, limit, usage, reclaimable;
};
const Hierarchy kVersion2{"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"};
const Hierarchy kVersion1{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                          "total_inactive_file"};

void lower_to_groups(FreeMemory& least, const std::string& root, const Hierarchy& h, std::string group) {
  // In a container the path may be that of the host, while the container's own group is mounted at the top.
  for (;; group.erase(group.rfind('/'))) {
    const std::string folder = root + h.mount + group + "/";
    const auto limit = number_in(folder + h.limit), used = number_in(folder + h.usage);
    if (limit && used) {
      const double left = std::max(0.0, *limit - *used + number_of(folder + "memory.stat", h.reclaimable));
      if (left < least.bytes) least = {left, "the control group " + (group.empty() ? "/" : group)};
    }
    if (group.empty()) return;
  }
}

}  // namespace

FreeMemory free_memory(const std::string& root) {
  FreeMemory least{number_of(root + "/proc/meminfo", "MemAvailable:") * 1024, "this machine"};
  if (least.bytes == 0) least.bytes = std::numeric_limits<double>::infinity();  // unknown
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "0::/a/b" or "4:memory:/a/b"
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    std::string group = line.substr(second + 1);
    if (group.find("/..") != std::string::npos) group.clear();  // outside of this namespace
    while (!group.empty() && group.back() == '/') group.pop_back();
    if (controllers == ",,") lower_to_groups(least, root, kVersion2, group);
    if (controllers.find(",memory,") != std::string::npos) lower_to_groups(least, root, kVersion1, group);
  }
  return least;
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double all = 0, resident = 0;
  file >> all >> resident;
  return resident * double(sysconf(_SC_PAGESIZE));
}

}  // namespace apps
