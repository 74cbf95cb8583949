// Notices at once when another rank of the run is lost, and ends this one. A collective alone can't: it only
// waits, and does not know for whom.
//
// Every rank keeps a TCP connection to rank 0, on which each side says that it lives. A connection that
// closes without goodbye, or is silent for the timeout, is a lost rank: rank 0 tells the others who it was.
#pragma once

#include <memory>
#include <string>

#include "engine/ranks/communicator.h"

namespace engine {

std::string host_name();

class RankWatch {
 public:
  // Collective: rank 0's address goes to the others through the communicator. `speaker` begins the line that
  // a rank prints before it leaves with exit code 75 (EX_TEMPFAIL). timeout: seconds of silence.
  RankWatch(Communicator&, std::string speaker, double timeout);
  // Says goodbye. Every rank must have come to the end of the run.
  ~RankWatch();
  RankWatch(const RankWatch&) = delete;
  RankWatch& operator=(const RankWatch&) = delete;

  // This rank can't go on: the others are told why, and end.
  void failed(const std::string& why) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace engine
