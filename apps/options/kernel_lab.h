// Commands that check and time kernels and ops.
#pragma once

#include <cstdint>
#include <string>

#include "apps/options/fields.h"

namespace apps {

struct GradcheckOptions {
  std::string op = ".*";
  bool list = false;
  std::string mode = "full";
  std::string device = "cpu";
  std::string threads = "host";
  std::uint64_t seed = 0;
  std::string json, junit;
};

struct RacecheckOptions {
  std::string op = ".*";
  std::string source = ".";
  std::string detectors = "orders,asan,tsan";
  std::uint64_t seed = 0;
  int jobs = 0;
};

struct BenchOpsOptions {
  std::string op = ".*";
  std::string device = "cpu";
  std::string dtype = "f32";
  std::string threads = "host";
  int rounds = 3;
  int repeat = 7;
  std::string cache = "cold";
  std::string floor = "on";
  std::string json = {}, csv = {}, roofline = {};
};

struct BenchCompareOptions {
  std::string before, after;  // results of bench ops --json
  int find = 15;
};

struct BenchTurnsOptions {
  std::string before, after;  // builds of dyad
  int find = 15;
  BenchOpsOptions ops{.rounds = 40};  // at most: the comparison stops when every figure is sure
};

Fields fields(GradcheckOptions&);
Fields fields(RacecheckOptions&);
Fields fields(BenchOpsOptions&);
Fields fields(BenchCompareOptions&);
Fields fields(BenchTurnsOptions&);

}  // namespace apps
