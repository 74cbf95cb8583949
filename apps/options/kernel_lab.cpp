#include "apps/options/kernel_lab.h"

#include "apps/options/shared.h"

namespace apps {
namespace {

Field inputs_seed(std::uint64_t& value) { return seed_entry(value, "Seed of the random inputs"); }

}  // namespace

Fields fields(GradcheckOptions& o) {
  return joined(
      {group("Checks", {op_entry(o.op),
                        list_entry(o.list),
                        {.name = "mode",
                         .value = &o.mode,
                         .help = "full: every element of the Jacobian, at small shapes; fast: random "
                                 "directions, at real shapes",
                         .choices = {"full", "fast"}},
                        device_entry(o.device),
                        kernel_threads_entry(o.threads),
                        inputs_seed(o.seed)}),
       group("Result", {json_entry(o.json),
                        {.name = "junit",
                         .value = &o.junit,
                         .help = "JUnit XML file to write the result to",
                         .saved = false}})});
}

Fields fields(RacecheckOptions& o) {
  return group("Checks",
               {op_entry(o.op),
                {.name = "detectors",
                 .value = &o.detectors,
                 .help = "Comma-separated detectors to run: orders, asan, tsan, msan (needs clang)"},
                inputs_seed(o.seed),
                {.name = "source",
                 .value = &o.source,
                 .help = "Folder of dyad's sources, in which the sanitizers' builds are made"},
                jobs_entry(o.jobs, "Parallel jobs of these builds; 0: one per core", 0)});
}

Fields fields(BenchOpsOptions& o) {
  return joined(
      {group("Ops", {op_entry(o.op), device_entry(o.device),
                     dtype_entry(o.dtype, "Data type of the activations"), kernel_threads_entry(o.threads)}),
       group("Timing", {{.name = "rounds",
                         .value = &o.rounds,
                         .help = "Number of rounds; each round times all ops",
                         .low = 1,
                         .high = 1e3},
                        repeat_entry(o.repeat, "Timed runs of an op in each round, at least"),
                        {.name = "cache",
                         .value = &o.cache,
                         .help = "cold: no run finds its inputs in a cache; warm: it may",
                         .choices = {"cold", "warm"}},
                        floor_entry(o.floor)}),
       group("Result", {json_entry(o.json),
                        csv_entry(o.csv),
                        {.name = "roofline",
                         .value = &o.roofline,
                         .help = "SVG file to draw a roofline chart to",
                         .saved = false}})});
}

Fields fields(BenchCompareOptions& o) {
  return group("Comparison",
               {before_entry(o.before, "Results of bench ops --json before the change: FILE,FILE"),
                after_entry(o.after, "Results after the change, on the same device"), find_entry(o.find)});
}

// Each round is one of `dyad bench ops` and measures no floor; its result is not kept.
Fields fields(BenchTurnsOptions& o) {
  Fields ops;
  for (Field& f : fields(o.ops)) {
    if (f.is(o.ops.rounds))
      f.help = "Number of rounds, at most; the comparison stops when it could find --find in every figure";
    if (f.saved && !f.is(o.ops.floor)) ops.push_back(f);
  }
  return joined({group("Comparison", {before_entry(o.before, "Program: the build of dyad before the change"),
                                      after_entry(o.after, "Program: the build of dyad after the change"),
                                      find_entry(o.find)}),
                 ops});
}

}  // namespace apps
