// The options of `dyad bench loader`.
#pragma once

#include <cstdint>
#include <string>

#include "apps/options/decoding.h"
#include "apps/options/views.h"

namespace apps {

struct BenchLoaderOptions : ViewOptions, DecodingOptions {
  std::string data;
  int batch = 128;
  int threads = -1;
  int repeat = 5;
  long steps = 4;
  std::uint64_t seed = 0;
  std::string json;
};

Fields fields(BenchLoaderOptions&);

}  // namespace apps
