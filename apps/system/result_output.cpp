#include "apps/system/result_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include "engine/files/atomic_file.h"

namespace apps {
namespace {

int own_stdout = -1;  // while stdout is stderr

void flush() {
  std::cout.flush();
  std::fflush(stdout);
}

}  // namespace

ResultOnStdout::ResultOnStdout() {
  flush();
  own_stdout = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (own_stdout < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
    throw std::runtime_error(std::string("stdout: ") + std::strerror(errno));
}

ResultOnStdout::~ResultOnStdout() {
  flush();
  restore_stdout();
  close(own_stdout);
  own_stdout = -1;
}

void restore_stdout() {
  if (own_stdout >= 0) dup2(own_stdout, STDOUT_FILENO);
}

void open_standard_descriptors() {
  for (int file = 0; file <= STDERR_FILENO; ++file)
    // open() takes the lowest free number, which is this one
    if (fcntl(file, F_GETFD) < 0 && open("/dev/null", O_RDWR) != file) std::_Exit(1);
}

void write_to_stdout(const std::string& text) {
  flush();
  const int file = own_stdout >= 0 ? own_stdout : STDOUT_FILENO;
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(file, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw std::runtime_error(std::string("stdout: ") + std::strerror(errno));
    done += std::size_t(n);
  }
}

namespace fs = std::filesystem;

std::string hindrance(const std::string& file) {
  std::string folder = fs::path(file).parent_path().string();
  if (folder.empty()) folder = ".";
  std::error_code ignored;
  if (engine::writes_in_place(file)) {  // a device, a pipe
    const bool may = access(file.c_str(), W_OK) == 0;
    return may ? "" : file + ": " + std::strerror(errno);
  }
  if (fs::exists(folder, ignored) && !fs::is_directory(folder, ignored)) return folder + ": is not a folder";
  if (access(folder.c_str(), W_OK | X_OK) != 0) return folder + ": " + std::strerror(errno);
  if (fs::is_directory(file, ignored)) return file + ": is a folder, expected a file";
  if (fs::exists(file, ignored) && access(file.c_str(), W_OK) != 0)
    return file + ": " + std::strerror(errno) + ", and it is not replaced";
  // Permissions don't say all: root may write anything, and in /proc no file can be made. A full disk may
  // have space again when the result is written.
  try {
    engine::AtomicFile probe(file);
  } catch (const engine::WriteError& e) {
    if (e.reason != ENOSPC && e.reason != EDQUOT) return e.what();
  }
  return "";
}

}  // namespace apps
