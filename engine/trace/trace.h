// A timeline of this process for chrome://tracing and Perfetto: the phases of each step, and collectives
// beside them. Nothing is recorded before start_trace().
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace engine {

enum class Lane { compute, communication };
using TraceClock = std::chrono::steady_clock;  // counts from boot: the same for all ranks of a machine

void start_trace();
bool tracing();
// May be called from any thread. name: a string literal. bytes: bytes moved by a collective; 0: not shown.
void add_to_trace(Lane, const char* name, TraceClock::time_point begin, TraceClock::time_point end,
                  std::int64_t bytes = 0);

// Events of the Trace Event Format (JSON), separated by commas, without the enclosing brackets.
std::string trace_events(int rank);

}  // namespace engine
