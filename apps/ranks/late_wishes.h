// What ranks wish for between two steps, answered alike on all of them.
#pragma once

#include <memory>

#include "engine/memory/transfer.h"
#include "engine/ranks/communicator.h"

namespace apps {

struct Wishes {
  int stop = 0;       // of any rank: the exit code, 130 after Ctrl-C on one of them, 75 after other signals
  bool save = false;  // of the first rank, whose clock decides
};

class LateWishes {
 public:
  explicit LateWishes(engine::Communicator& c) : communicator_(c) {}

  // The wishes of the previous call: the same answer on all ranks. It is one call late so that no rank waits
  // for the device. A single rank gets its own wishes at once.
  Wishes operator()(const Wishes& here);

 private:
  engine::Communicator& communicator_;
  std::unique_ptr<engine::LateScalar> sum_;
};

}  // namespace apps
