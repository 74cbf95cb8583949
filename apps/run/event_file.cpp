#include "apps/run/event_file.h"

#include <unistd.h>

#include <array>
#include <chrono>

namespace apps {
namespace {

std::string little_endian(const void* value, std::size_t bytes) {
  return {static_cast<const char*>(value), bytes};  // as every machine that dyad runs on has it
}

template <class T>
std::string raw(T value) {
  return little_endian(&value, sizeof value);
}

// Protocol buffers: a key is the field's number and the kind of what follows.
enum Kind { varint_kind = 0, fixed64_kind = 1, length_kind = 2, fixed32_kind = 5 };

std::string varint(std::uint64_t value) {
  std::string text;
  for (; value >= 0x80; value >>= 7) text += char(value | 0x80);
  return text + char(value);
}
std::string key(int field, Kind kind) { return varint(std::uint64_t(field) << 3 | std::uint64_t(kind)); }
std::string message(int field, const std::string& bytes) {
  return key(field, length_kind) + varint(bytes.size()) + bytes;
}

std::string event(double wall_time, long step) {  // Event.wall_time = 1, .step = 2
  std::string text = key(1, fixed64_kind) + raw(wall_time);
  if (step != 0) text += key(2, varint_kind) + varint(std::uint64_t(step));
  return text;
}

// Event.session_log = 7 of SessionLog.status = 1, START: TensorBoard drops what it has of this step and
// later.
std::string start_event(double wall_time, long step) {
  return event(wall_time, step) + message(7, key(1, varint_kind) + varint(1));
}

std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8U; }

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string file_name() {
  char host[256] = "host";
  gethostname(host, sizeof host - 1);
  return "events.out.tfevents." + std::to_string(long(now())) + "." + host + "." + std::to_string(getpid()) +
         ".0";
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int bit = 0; bit < 8; ++bit) c = c & 1 ? c >> 1 ^ 0x82f63b78U : c >> 1;  // Castagnoli, reversed
      t[i] = c;
    }
    return t;
  }();
  std::uint32_t crc = ~0U;
  for (const char byte : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

std::string event_record(const std::string& event) {
  const std::string length = raw(std::uint64_t(event.size()));
  return length + raw(masked(crc32c(length))) + event + raw(masked(crc32c(event)));
}

std::string version_event(double wall_time) {
  return event(wall_time, 0) + message(3, "brain.Event:2");  // Event.file_version = 3
}

std::string scalar_event(double wall_time, long step,
                         const std::vector<std::pair<std::string, double>>& values) {
  std::string summary;  // Summary.value = 1 of Value.tag = 1, .simple_value = 2
  for (const auto& [tag, value] : values)
    summary += message(1, message(1, tag) + key(2, fixed32_kind) + raw(float(value)));
  return event(wall_time, step) + message(5, summary);  // Event.summary = 5
}

EventFile::EventFile(const std::string& folder, long resume_step) : file_(folder + "/" + file_name()) {
  file_.write(event_record(version_event(now())));
  file_.write(event_record(start_event(now(), resume_step + 1)));  // what was written beyond is forgotten
}

void EventFile::scalars(long step, const std::vector<std::pair<std::string, double>>& values) {
  file_.write(event_record(scalar_event(now(), step, values)));
}

}  // namespace apps
