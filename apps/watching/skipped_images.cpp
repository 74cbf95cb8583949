#include "apps/watching/skipped_images.h"

#include <sstream>

#include "data/files.h"
#include "engine/error.h"

namespace apps {

std::vector<std::string> SkippedImages::note(const std::vector<std::string>& wrong) {
  std::vector<std::string> lines;
  times_ += long(wrong.size());
  for (const std::string& image : wrong)
    if (images_.insert(image).second)
      lines.push_back("skipped " + image + "; another image comes in its place");
  return lines;
}

void SkippedImages::gather(engine::Communicator& communicator) {
  std::string own = std::to_string(times_) + "\n";
  for (const std::string& wrong : images_) own += wrong + "\n";
  times_ = 0;
  for (const std::string& text : engine::exchange_texts(communicator, own)) {
    std::istringstream lines(text);
    long times = 0;
    lines >> times >> std::ws;
    times_ += times;
    for (std::string wrong; std::getline(lines, wrong);) images_.insert(wrong);
  }
}

std::string SkippedImages::summary() const {
  if (images_.empty()) return "";
  return engine::concat_text(
      data::counted(double(images_.size()), "image"), " could not be decoded; others came in their place ",
      data::counted(double(times_), "time"), "; an evaluation leaves them out; dyad data check lists them");
}

}  // namespace apps
