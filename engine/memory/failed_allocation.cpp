#include "engine/memory/failed_allocation.h"

#include <cstdio>
#include <utility>

namespace engine {
namespace {

thread_local const char* making = "data of the program";

}  // namespace

Making::Making(const char* what) : before_(std::exchange(making, what)) {}
Making::~Making() { making = before_; }

const char* being_made() { return making; }

FailedAllocation::FailedAllocation(std::size_t bytes) noexcept {
  char digits[32];
  int at = sizeof digits - 1, count = 0;
  digits[at] = '\0';
  do {
    if (count > 0 && count % 3 == 0) digits[--at] = ',';
    digits[--at] = char('0' + bytes % 10);
    ++count;
  } while ((bytes /= 10) > 0);
  std::snprintf(text_, sizeof text_, "out of memory: %s, %s bytes", making, digits + at);
}

}  // namespace engine
