#include "engine/memory/host_wait.h"

#include <stdexcept>
#include <string>

namespace engine {
namespace {

thread_local int forbidden = 0;
thread_local bool capturing = false;

}  // namespace

void host_waits(const char* what) {
  if (forbidden > 0)
    throw std::logic_error(std::string(what) + ": the host would wait for the device inside a NoHostWait");
}

void host_copies(const char* what) {
  if (capturing)
    throw std::logic_error(std::string(what) + ": a copy to or from the host can't be captured in a graph");
}

Capture::Capture() { capturing = true; }
Capture::~Capture() { capturing = false; }

NoHostWait::NoHostWait() { ++forbidden; }
NoHostWait::~NoHostWait() { --forbidden; }

}  // namespace engine
