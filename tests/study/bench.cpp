// bench_study [DEVICE]: `dyad bench ops` over the study versions.
#include <cstdio>
#include <exception>

#include "apps/cli/commands.h"

int main(int argc, char** argv) {
  apps::BenchOpsOptions o;
  if (argc > 1) o.device = argv[1];
  try {
    return apps::bench_ops(o);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_study: %s\n", e.what());
    return 1;
  }
}
