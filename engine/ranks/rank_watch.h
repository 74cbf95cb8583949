// Detects at once that another rank of the run has died, and ends this one. A collective alone cannot: it
// waits without knowing which rank is missing.
//
// Every rank keeps a TCP connection to rank 0, on which both sides send heartbeats. A rank counts as lost if
// its connection closes without a goodbye or is silent for the timeout. Rank 0 tells the others which rank it
// was.
#pragma once

#include <memory>
#include <string>

#include "engine/ranks/communicator.h"

namespace engine {

std::string host_name();

class RankWatch {
 public:
  // Collective: the communicator sends rank 0's address to the others. `speaker` is the prefix of the line
  // that a rank prints before it exits with code 75 (EX_TEMPFAIL). timeout: seconds of silence.
  RankWatch(Communicator&, std::string speaker, double timeout);
  // Sends the goodbye. Every rank must have reached the end of the run.
  ~RankWatch();
  RankWatch(const RankWatch&) = delete;
  RankWatch& operator=(const RankWatch&) = delete;

  // This rank has failed: sends the reason to the others, which then exit.
  void failed(const std::string& why) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace engine
