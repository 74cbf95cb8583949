// The memory that is left, with control groups of both versions.
#include "apps/system/memory.h"

#include <doctest/doctest.h>

#include "tests/support/scratch.h"

namespace {

void machine(const Scratch& s, const std::string& cgroup) {
  s.write("proc/meminfo", "MemTotal:       16000 kB\nMemFree:         1000 kB\nMemAvailable:    8000 kB\n");
  s.write("proc/self/cgroup", cgroup);
}

TEST_CASE("memory: without control groups it is what Linux calls available") {
  const Scratch s;
  machine(s, "");
  const auto free = apps::free_memory(s.folder);
  CHECK(free.bytes == 8000 * 1024);
  CHECK(free.of == "this machine");
}

TEST_CASE("memory: version 2, the group or one above it") {
  const Scratch s;
  machine(s, "0::/slurm/job7\n");
  s.write("sys/fs/cgroup/slurm/job7/memory.max", "max\n");
  s.write("sys/fs/cgroup/slurm/job7/memory.current", "1000000\n");
  CHECK(apps::free_memory(s.folder).bytes == 8000 * 1024);
  s.write("sys/fs/cgroup/slurm/memory.max", "5000000\n");
  s.write("sys/fs/cgroup/slurm/memory.current", "4500000\n");
  s.write("sys/fs/cgroup/slurm/memory.stat", "anon 4000000\ninactive_file 300000\n");
  auto free = apps::free_memory(s.folder);
  CHECK(free.bytes == 800000);
  CHECK(free.of == "the control group /slurm");
  s.write("sys/fs/cgroup/slurm/job7/memory.max", "1100000\n");
  free = apps::free_memory(s.folder);
  CHECK(free.bytes == 100000);
  CHECK(free.of == "the control group /slurm/job7");
  s.write("sys/fs/cgroup/slurm/job7/memory.current", "1200000\n");
  CHECK(apps::free_memory(s.folder).bytes == 0);
}

TEST_CASE("memory: version 1, and a container that sees its group at the top") {
  const Scratch s;
  machine(s, "12:cpu,cpuacct:/docker/1a2b\n4:memory:/docker/1a2b\n0::/\n");
  s.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "3000000\n");
  s.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "2000000\n");
  s.write("sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 500000\n");
  const auto free = apps::free_memory(s.folder);
  CHECK(free.bytes == 1500000);
  CHECK(free.of == "the control group /");
}

TEST_CASE("memory: a machine whose files can't be read has no known limit") {
  const Scratch s;
  CHECK(apps::free_memory(s.folder).bytes > 1e18);
  CHECK(apps::free_memory().bytes > 1e6);
  CHECK(apps::resident_bytes() > 1e6);
}

}  // namespace
