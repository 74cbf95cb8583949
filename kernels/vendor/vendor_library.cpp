#ifdef DYAD_CUDA
#include "kernels/vendor/vendor_library.h"

#include <dlfcn.h>

#include <utility>

namespace kernels {
namespace {

std::string last_error() {
  const char* text = dlerror();
  return text != nullptr ? text : "the dynamic linker gives no reason";
}

}  // namespace

VendorLibrary::VendorLibrary(std::string name, const std::vector<std::string>& files, std::string remedy)
    : name_(std::move(name)), remedy_(std::move(remedy)) {
  std::string tried, reason;
  for (const std::string& file : files) {
    handle_ = dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (handle_ != nullptr) {
      file_ = file;
      return;
    }
    // a file that exists but cannot be opened is a better reason than a missing file
    const std::string error = last_error();
    if (reason.empty() || error.find("No such file") == std::string::npos) reason = error;
    tried += (tried.empty() ? "" : ", ") + file;
  }
  throw MissingLibrary(name_ + " can't be opened: tried " + tried + " (" + reason + "); " + remedy_);
}

void* VendorLibrary::address(const char* symbol) const {
  void* found = dlsym(handle_, symbol);
  if (found == nullptr)
    throw MissingLibrary(name_ + ": " + file_ + " has no function " + symbol + " (" + last_error() + "); " +
                         remedy_);
  return found;
}

}  // namespace kernels
#endif
