// A file that grows by whole lines or records.
#pragma once

#include <cstdio>
#include <string>

namespace apps {

// Errors name the file and the system's reason: UsageError if it can't be opened, std::runtime_error after. A
// link, a pipe and a device are refused.
class AppendFile {
 public:
  explicit AppendFile(const std::string& path);  // made if it isn't there
  ~AppendFile() { std::fclose(file_); }
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  void write(const std::string& record);  // others see it when it returns
  void sync();                            // it is on the disk when it returns
  bool lock();                            // for this process alone; false: another one has it

 private:
  [[noreturn]] void fail() const;  // with errno's text
  std::string path_;
  std::FILE* file_ = nullptr;
};

}  // namespace apps
