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

// While a graph records the work of this thread, the host may not wait, and may not send or fetch anything
// either: the graph would do so again with what happens to lie there. host_copies() then throws
// std::logic_error.
class Capture {
 public:
  Capture();
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

 private:
  NoHostWait no_wait_;
};
void host_copies(const char* what);

}  // namespace engine
