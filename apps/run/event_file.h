// Scalars for TensorBoard: a file of records, each a protocol buffer `Event` framed by its length and two
// checksums (tensorflow/core/util/event.proto, tensorflow/core/lib/io/record_writer.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/run/append_file.h"

namespace apps {

class EventFile {
 public:
  // A new file in `folder`, named as TensorBoard looks for it, for steps after `resume_step`: what older
  // files of the folder say of these steps is void.
  EventFile(const std::string& folder, long resume_step);

  void scalars(long step, const std::vector<std::pair<std::string, double>>& values);
  void sync() { file_.sync(); }

 private:
  AppendFile file_;
};

// The parts, for tests.
std::uint32_t crc32c(std::string_view bytes);
std::string event_record(const std::string& event);  // framed
std::string version_event(double wall_time);
std::string scalar_event(double wall_time, long step,
                         const std::vector<std::pair<std::string, double>>& values);

}  // namespace apps
