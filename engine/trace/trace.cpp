#include "engine/trace/trace.h"

#include <atomic>
#include <cstdio>
#include <mutex>
#include <vector>

namespace engine {
namespace {

struct Event {
  Lane lane;
  const char* name;
  double begin, microseconds;
  std::int64_t bytes;
};
std::atomic<bool> on = false;
std::mutex mutex;
std::vector<Event> events;

double microseconds(TraceClock::duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

}  // namespace

void start_trace() { on = true; }
bool tracing() { return on; }

void add_to_trace(Lane lane, const char* name, TraceClock::time_point begin, TraceClock::time_point end,
                  std::int64_t bytes) {
  if (!on) return;
  const std::lock_guard lock(mutex);
  events.push_back({lane, name, microseconds(begin.time_since_epoch()), microseconds(end - begin), bytes});
}

std::string trace_events(int rank) {
  const std::lock_guard lock(mutex);
  std::string text;
  char line[256];
  std::snprintf(line, sizeof line, R"({"ph":"M","name":"process_name","pid":%d,"args":{"name":"rank %d"}})",
                rank, rank);
  text += line;
  for (const auto& [lane, name] :
       {std::pair{Lane::compute, "compute"}, {Lane::communication, "communication"}}) {
    std::snprintf(line, sizeof line,
                  R"(,{"ph":"M","name":"thread_name","pid":%d,"tid":%d,"args":{"name":"%s"}})", rank,
                  int(lane), name);
    text += line;
  }
  for (const Event& e : events) {
    std::snprintf(line, sizeof line,
                  R"(,{"ph":"X","name":"%s","pid":%d,"tid":%d,"ts":%.3f,"dur":%.3f,"args":{"bytes":%lld}})",
                  e.name, rank, int(e.lane), e.begin, e.microseconds, static_cast<long long>(e.bytes));
    text += "\n";
    text += line;
  }
  return text;
}

}  // namespace engine
