#include "engine/host_wait.h"

#include <stdexcept>
#include <string>

namespace engine {
namespace {

thread_local int forbidden = 0;

}  // namespace

void host_waits(const char* what) {
  if (forbidden > 0)
    throw std::logic_error(std::string(what) + ": the host would wait for the device, where it must not");
}

NoHostWait::NoHostWait() { ++forbidden; }
NoHostWait::~NoHostWait() { --forbidden; }

}  // namespace engine
