#include "apps/system/exit_code.h"

#include <algorithm>
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
constexpr ErrorKind kErrorKinds[] = {{is<engine::UsageError>, kUsage},
                                     {is<engine::DataError>, kBadData},
                                     {is<engine::RankError>, kTryAgain},
                                     {is<Interrupted>, kInterrupted}};

}  // namespace

ExitCode exit_code_of(const std::exception& e) {
  for (const ErrorKind& kind : kErrorKinds)
    if (kind.is(e)) return kind.code;
  return kFailed;
}

std::string message_of(const std::exception& e) {
  if (is<std::bad_alloc>(e) && !is<engine::FailedAllocation>(e)) return "out of memory";
  std::string text = e.what();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (const auto* full = dynamic_cast<const engine::OutOfMemory*>(&e))
    text += full->made == engine::kParameters ? "; a smaller --width or --arch needs less"
                                              : "; a smaller --batch needs less";
  if (is<data::BadImage>(e)) text += "; dyad data check lists all such images";
  return engine::shown(text);
}

}  // namespace apps
