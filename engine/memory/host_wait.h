// Where the host waits for a device. Every function of the engine that may wait calls host_waits(), which is
// an error inside a NoHostWait. Reading a tensor's elements on the host, or writing them without an Upload,
// counts as a wait on the CPU device too. A test without a GPU can therefore check that a warm training step
// never stalls the GPU.
#pragma once

namespace engine {

// Inside a NoHostWait of this thread: throws std::logic_error, which names the function that waits.
void host_waits(const char* what);

class NoHostWait {
 public:
  NoHostWait();
  ~NoHostWait();
  NoHostWait(const NoHostWait&) = delete;
  NoHostWait& operator=(const NoHostWait&) = delete;
};

// Marks that a graph records the work of this thread. The host may then neither wait nor copy to or from the
// device: each launch of the graph would repeat the copy with whatever its memory holds by then.
// host_copies() throws std::logic_error.
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
