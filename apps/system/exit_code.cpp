#include "apps/system/exit_code.h"

#include <algorithm>
#include <filesystem>
#include <new>

#include "apps/system/shell.h"
#include "data/loader.h"
#include "engine/device.h"
#include "engine/error.h"
#include "engine/escape.h"
#include "engine/memory/failed_allocation.h"
#include "engine/optim/parameters.h"
#include "engine/ranks/communicator.h"

namespace apps {
namespace {

template <class Error>
bool is(const std::exception& e) {
  return dynamic_cast<const Error*>(&e) != nullptr;
}

struct ErrorKind {
  bool (*is)(const std::exception&);
  ExitCode code;
};
// The name that was given can't be that of a file; other errors of the file system are the machine's.
bool is_wrong_path(const std::exception& e) {
  const auto* error = dynamic_cast<const std::filesystem::filesystem_error*>(&e);
  if (error == nullptr) return false;
  const std::error_code code = error->code();
  return code == std::errc::filename_too_long || code == std::errc::too_many_symbolic_link_levels ||
         code == std::errc::not_a_directory || code == std::errc::permission_denied ||
         code == std::errc::no_such_file_or_directory;
}

constexpr ErrorKind kErrorKinds[] = {{is<engine::UsageError>, kUsage},
                                     {is<engine::DataError>, kBadData},
                                     {is<engine::RankError>, kTryAgain},
                                     {is<Interrupted>, kInterrupted},
                                     {is_wrong_path, kBadData}};

}  // namespace

ExitCode exit_code_of(const std::exception& e) {
  for (const ErrorKind& kind : kErrorKinds)
    if (kind.is(e)) return kind.code;
  return kFailed;
}

std::string message_of(const std::exception& e) {
  if (is<std::bad_alloc>(e) && !is<engine::FailedAllocation>(e)) return "out of memory";
  const auto* of_path = dynamic_cast<const std::filesystem::filesystem_error*>(&e);
  std::string text =
      of_path != nullptr ? of_path->path1().string() + ": " + of_path->code().message() : e.what();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (const auto* full = dynamic_cast<const engine::OutOfMemory*>(&e))
    text += full->made == engine::kParameters ? "; a smaller --width or --arch needs less"
                                              : "; a smaller --batch needs less";
  if (is<data::BadImage>(e)) text += "; dyad data check lists all such images";
  return engine::shown(text);
}

}  // namespace apps
