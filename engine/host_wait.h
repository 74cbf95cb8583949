// Where the host waits for a device. Every function of the engine that may wait says so through host_waits();
// inside a NoHostWait that is an error. Reading a tensor's elements on the host, and giving it elements from
// the host without an Upload, count on the CPU device too, where they cost nothing: so a machine without a
// GPU can check that a warm training step does not stop the GPU.
#pragma once

namespace engine {

// Throws std::logic_error, which names what waits, inside a NoHostWait of this thread.
void host_waits(const char* what);

class NoHostWait {
 public:
  NoHostWait();
  ~NoHostWait();
  NoHostWait(const NoHostWait&) = delete;
  NoHostWait& operator=(const NoHostWait&) = delete;
};

}  // namespace engine
