// What --bad-images skip passes over, counted and said.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/ranks/communicator.h"

namespace apps {

class SkippedImages {
 public:
  // wrong: Batch::skipped. Returns a line for each image that is met for the first time.
  std::vector<std::string> note(const std::vector<std::string>& wrong);
  long times() const { return times_; }  // that another image came in the place of a bad one

  // Adds what the other ranks have noted; every rank must call it.
  void gather(engine::Communicator&);
  // "3 images could not be decoded; others came in their place 12 times", or "" if there was none.
  std::string summary() const;

 private:
  std::set<std::string> images_;  // what is wrong with each
  long times_ = 0;
};

}  // namespace apps
