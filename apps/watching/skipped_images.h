// The images that --bad-images skip leaves out: counted, and named in messages.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/ranks/communicator.h"

namespace apps {

class SkippedImages {
 public:
  // wrong: Batch::skipped. Returns a line for each image that was not noted before.
  std::vector<std::string> note(const std::vector<std::string>& wrong);
  long times() const { return times_; }  // how often an image was replaced by another

  // Adds the images of the other ranks; every rank must call it.
  void gather(engine::Communicator&);
  // "3 images could not be decoded; others came in their place 12 times", or "" if there was none.
  std::string summary() const;

 private:
  std::set<std::string> images_;  // name of each, and what is wrong with it
  long times_ = 0;
};

}  // namespace apps
