// What ran when, of this process, for chrome://tracing and Perfetto: phases of a step, and collectives beside
// them. Nothing is recorded before start_trace().
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace engine {

enum class Lane { compute, communication };
using TraceClock =
    std::chrono::steady_clock;  // since the machine started: one clock for all ranks of a machine

void start_trace();
bool tracing();
// From any thread. name: a literal. bytes: what a collective moved; 0: nothing to say.
void add_to_trace(Lane, const char* name, TraceClock::time_point begin, TraceClock::time_point end,
                  std::int64_t bytes = 0);

// Events of the Trace Event Format (JSON), separated by commas, without the brackets round them.
std::string trace_events(int rank);

}  // namespace engine
