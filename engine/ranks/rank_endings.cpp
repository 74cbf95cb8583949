#include "engine/ranks/rank_endings.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <system_error>

namespace engine {
namespace {

constexpr const char* kVariable = "DYAD_RANK_ENDINGS";  // the file's path
constexpr int kBegun = 256, kConnected = 257;           // beside exit codes

// Each event is one short write at the end of the file, so that no rank's is mixed with another's.
void say(int event) noexcept {
  const char* path = std::getenv(kVariable);
  if (path == nullptr) return;
  const int file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file < 0) return;
  const auto what = std::uint16_t(event);
  [[maybe_unused]] const ssize_t written = write(file, &what, sizeof what);
  close(file);
}

}  // namespace

RankEndings::RankEndings() : file_(memfd_create("rank-endings", MFD_CLOEXEC)) {
  if (file_ < 0) throw std::system_error(errno, std::generic_category(), "the ranks' endings");
  const std::string path = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file_);
  setenv(kVariable, path.c_str(), 1);
}

RankEndings::~RankEndings() {
  unsetenv(kVariable);
  close(file_);
}

bool RankEndings::said(int wanted) const {
  std::uint16_t event = 0;
  for (off_t at = 0; pread(file_, &event, sizeof event, at) == sizeof event; at += sizeof event)
    if (event == wanted) return true;
  return false;
}

bool RankEndings::connected() const { return said(kConnected); }

bool RankEndings::chosen(int code) const { return code == 0 || said(code) || !said(kBegun); }

void say_begun() noexcept { say(kBegun); }
void say_connected() noexcept { say(kConnected); }
void say_ending(int code) noexcept { say(code); }

}  // namespace engine
