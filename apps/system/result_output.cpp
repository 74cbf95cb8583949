#include "apps/system/result_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <stdexcept>

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
  if (fs::exists(folder, ignored) && !fs::is_directory(folder, ignored)) return folder + ": is not a folder";
  if (access(folder.c_str(), W_OK | X_OK) != 0) return folder + ": " + std::strerror(errno);
  if (fs::is_directory(file, ignored)) return file + ": is a folder, expected a file";
  if (fs::exists(file, ignored) && access(file.c_str(), W_OK) != 0)
    return file + ": " + std::strerror(errno) + ", and it is not replaced";
  return "";
}

}  // namespace apps
