// dyad info: devices, libraries, and the algorithms of convolutions.
#include <omp.h>

#include <cstdio>

#include "apps/bench/convolutions.h"
#include "apps/cli/commands.h"
#include "apps/run/run_directory.h"
#include "apps/system/cores.h"
#include "apps/system/machine.h"
#include "engine/error.h"
#include "engine/memory/cuda_device.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

ordered_json cuda_report() {
  std::string why;
  const int count = engine::cuda::count(&why);
  ordered_json report = {{"devices", ordered_json::array()}, {"why_none", why}};
  for (int i = 0; i < count; ++i) report["devices"].push_back(engine::cuda::description(i));
  return report;
}

void line(const char* name, const std::string& value) { std::printf("  %-14s %s\n", name, value.c_str()); }

void print_machine(const CpuInfo& cpu, const ordered_json& cuda, const ordered_json& libraries) {
  std::printf("%s\n\nCPU\n", version_text().c_str());
  line("model", cpu.model);
  line("cores", std::to_string(cpu.cores));
  if (const double quota = cpu_quota(); quota > 0) line("quota", engine::concat_text(quota, " cores"));
  line("threads", std::to_string(omp_get_max_threads()));
  line("features", joined(cpu.features));
  line("bf16", bf16_products(cpu));
  std::printf("\nCUDA\n");
  if (cuda["devices"].empty()) line("devices", "none: " + cuda["why_none"].get<std::string>());
  for (const auto& device : cuda["devices"]) line("device", device.get<std::string>());
  std::printf("\nLibraries\n");
  for (const auto& [name, version] : libraries.items()) line(name.c_str(), version.get<std::string>());
}

// Prints the encoder's convolutions, and returns them.
ordered_json print_convolutions(const InfoOptions& o) {
  std::printf("\nConvolutions of %s (%s stem, width %g), %d images of %d pixels, %s, on the CPU\n",
              o.arch.c_str(), o.stem.c_str(), o.width, o.batch, o.size, o.dtype.c_str());
  std::printf("  %-22s %5s  %-14s %-16s %6s  %s\n", "first", "count", "input", "filter", "stride",
              "forward / backward data / backward weights");
  ordered_json convolutions = ordered_json::array();
  for (const auto& c : encoder_convolutions(o)) {
    const auto& s = c.shape;
    const std::string input = engine::concat_text(s.h, "x", s.w, "x", s.c),
                      filter = engine::concat_text(s.k, " of ", s.r, "x", s.s, "x", s.c);
    const auto ran = algorithms(s, o.dtype);
    const bool same = ran[0] == ran[1] && ran[0] == ran[2];
    std::printf("  %-22s %5d  %-14s %-16s %6ld  %s\n", c.first.c_str(), c.count, input.c_str(),
                filter.c_str(), long(s.stride),
                same ? ran[0].c_str() : (ran[0] + " / " + ran[1] + " / " + ran[2]).c_str());
    convolutions.push_back({{"first", c.first},
                            {"count", c.count},
                            {"shape",
                             {{"n", s.n},
                              {"h", s.h},
                              {"w", s.w},
                              {"c", s.c},
                              {"k", s.k},
                              {"r", s.r},
                              {"s", s.s},
                              {"stride", s.stride},
                              {"padding", s.padding}}},
                            {"forward", ran[0]},
                            {"backward_data", ran[1]},
                            {"backward_weights", ran[2]}});
  }
  return convolutions;
}

}  // namespace

int info(const InfoOptions& o) {
  const CpuInfo cpu = cpu_info();
  const ordered_json cuda = cuda_report(), libraries = library_versions(true);
  print_machine(cpu, cuda, libraries);
  const ordered_json convolutions = print_convolutions(o);

  if (!o.json.empty()) {
    const ordered_json report = {{"version", version_text()},
                                 {"cpu",
                                  {{"model", cpu.model},
                                   {"cores", cpu.cores},
                                   {"features", cpu.features},
                                   {"bf16", bf16_products(cpu)}}},
                                 {"cuda", cuda},
                                 {"libraries", libraries},
                                 {"arch", o.arch},
                                 {"dtype", o.dtype},
                                 {"convolutions", convolutions}};
    write_json(o.json, report, 2);
  }
  return 0;
}

}  // namespace apps
