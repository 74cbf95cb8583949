// How many cores this process may use.
#pragma once

#include <string>

namespace apps {

// The share of the machine that the process's control groups allow, in cores; 0 if there is no limit. Reads
// cpu.max of version 2 and cpu.cfs_quota_us of version 1, of the process's group and of those around it. In a
// container the groups of /proc/self/cgroup may lie outside of what is mounted; then the mounted root counts.
double cpu_quota(const std::string& groups_of_process = "/proc/self/cgroup",
                 const std::string& mounted = "/sys/fs/cgroup");

// Sets OpenMP's number of threads to the quota, rounded up, if that is less than the cores. Where
// OMP_NUM_THREADS is set, it decides. At the start of a program.
void use_threads_of_quota();

}  // namespace apps
