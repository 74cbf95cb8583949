#include "apps/system/cores.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace apps {
namespace {

// Of one group: quota and period in microseconds; "max" and -1 mean no limit.
double cores_of(const std::string& quota, const std::string& period) {
  const double q = std::atof(quota.c_str()), p = std::atof(period.c_str());
  return q > 0 && p > 0 ? q / p : 0;
}

std::string word_of(const std::string& path, int index = 0) {
  std::ifstream file(path);
  std::string word;
  for (int i = 0; i <= index; ++i)
    if (!(file >> word)) return "";
  return word;
}

double smaller(double a, double b) { return a == 0 ? b : b == 0 ? a : std::min(a, b); }

// The least of the group and those around it.
double quota_of(const std::string& mounted, std::string group, bool second) {
  double least = 0;
  for (;; group = group.substr(0, group.rfind('/'))) {
    const std::string folder = mounted + (group == "/" ? "" : group);
    least = smaller(least, second ? cores_of(word_of(folder + "/cpu.max"), word_of(folder + "/cpu.max", 1))
                                  : cores_of(word_of(folder + "/cpu.cfs_quota_us"),
                                             word_of(folder + "/cpu.cfs_period_us")));
    if (group.empty() || group == "/") return least;
  }
}

}  // namespace

double cpu_quota(const std::string& groups_of_process, const std::string& mounted) {
  std::ifstream groups(groups_of_process);
  double least = 0;
  // a line is number:controllers:group; version 2 has number 0 and no controllers
  for (std::string line; std::getline(groups, line);) {
    std::istringstream parts(line);
    std::string number, controllers, group;
    if (!std::getline(parts, number, ':') || !std::getline(parts, controllers, ':') ||
        !std::getline(parts, group))
      continue;
    if (controllers.empty())
      least = smaller(least, quota_of(mounted, group, true));
    else if (("," + controllers + ",").find(",cpu,") != std::string::npos)
      least = smaller(least, quota_of(mounted + "/" + controllers, group, false));
  }
  return least;
}

void use_threads_of_quota() {
  const int quota = int(std::ceil(cpu_quota()));
  if (quota > 0 && quota < omp_get_max_threads() && std::getenv("OMP_NUM_THREADS") == nullptr)
    omp_set_num_threads(quota);
}

}  // namespace apps
