// A folder that appears complete or not at all: files are written to another folder beside it, which is
// renamed at the end.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

#include "engine/error.h"

namespace apps {

class NewFolder {
 public:
  // UsageError if something is there already, or if the folder can't be made: the one above it must be there.
  explicit NewFolder(const std::string& path)
      : path_(path), partial_(path + ".partial-" + std::to_string(getpid())) {
    namespace fs = std::filesystem;
    std::error_code error;
    if (fs::exists(path, error)) throw engine::UsageError(path + ": is there already, expected a new folder");
    fs::create_directory(partial_, error);
    if (error) throw engine::UsageError(path + ": can't be made: " + error.message());
  }
  ~NewFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(partial_, ignored);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  std::string file(const std::string& name) const { return partial_ + "/" + name; }  // to write to
  void finish() const { std::filesystem::rename(partial_, path_); }

 private:
  std::string path_, partial_;
};

}  // namespace apps
