// Detects at once that another rank of the run has died, and ends this one. A collective alone cannot: it
// waits without knowing which rank is missing.
//
// Every rank keeps a TCP connection to rank 0, on which both sides send heartbeats. A rank counts as lost if
// its connection closes without a goodbye or is silent for the timeout. Rank 0 prints which rank it was and
// tells the others to exit, which they do without a line of their own.
#pragma once

#include <memory>
#include <string>

#include "engine/ranks/communicator.h"

namespace engine {

std::string host_name();

class RankWatch {
 public:
  // Collective: the communicator sends rank 0's address to the others. `speaker` is the prefix of the line
  // that is printed before the ranks exit, with code 75 (EX_TEMPFAIL) if one is lost. timeout: seconds of
  // silence.
  RankWatch(Communicator&, std::string speaker, double timeout);
  // Sends the goodbye. Every rank must have reached the end of the run.
  ~RankWatch();
  RankWatch(const RankWatch&) = delete;
  RankWatch& operator=(const RankWatch&) = delete;

  // This rank has failed: ends all ranks with `code`, this one too, after rank 0 has printed the reason,
  // which is one line. 75 (EX_TEMPFAIL) means that the run can be resumed. Returns if there is one rank only.
  void failed(const std::string& why, int code) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace engine
