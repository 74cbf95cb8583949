// The cores that control groups allow, from files as the system writes them.
#include "apps/system/cores.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/scratch.h"

TEST_CASE("cpu_quota: the least of the group and those around it") {
  const Scratch s;
  s.write("groups", "0::/user.slice/run.scope\n");
  const auto quota = [&] { return apps::cpu_quota(s.path("groups"), s.path("cg")); };
  CHECK(quota() == 0);  // no files
  s.write("cg/user.slice/run.scope/cpu.max", "max 100000\n");
  CHECK(quota() == 0);
  s.write("cg/user.slice/cpu.max", "300000 100000\n");
  CHECK(quota() == 3);
  s.write("cg/user.slice/run.scope/cpu.max", "150000 100000\n");
  CHECK(quota() == 1.5);
  s.write("cg/cpu.max", "25000 50000\n");  // a container's root
  CHECK(quota() == 0.5);
}

TEST_CASE("cpu_quota: version 1") {
  const Scratch s;
  s.write("groups", "5:devices:/\n3:cpu,cpuacct:/job\n0::/\n");
  const auto quota = [&] { return apps::cpu_quota(s.path("groups"), s.path("cg")); };
  s.write("cg/cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  s.write("cg/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  CHECK(quota() == 0);
  s.write("cg/cpu,cpuacct/job/cpu.cfs_quota_us", "250000\n");
  CHECK(quota() == 2.5);
}

TEST_CASE("cpu_quota: damaged files mean no limit") {
  const Scratch s;
  s.write("groups", "0::/a\nnonsense\n::\n");
  for (const char* text : {"", "x", "100", "-5 100000", "1e9999 x", "100000 0"}) {
    s.write("cg/a/cpu.max", text);
    CHECK(apps::cpu_quota(s.path("groups"), s.path("cg")) == 0);
  }
  CHECK(apps::cpu_quota(s.path("none"), s.path("cg")) == 0);
}
