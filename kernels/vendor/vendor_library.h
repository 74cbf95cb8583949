// A vendor's shared library, opened when a CUDA device first needs it, and its functions, looked up by name.
// A program built with CUDA therefore starts quickly, and runs on machines that have none of these libraries.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace kernels {

// A library, or a function in it, is missing. The message is one line: what is missing, the names that were
// tried, and what to install.
struct MissingLibrary : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// NVIDIA's libraries encode version 2.18.3 as 21803.
inline std::string dotted_version(std::size_t v) {
  return std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100);
}

class VendorLibrary {
 public:
  // Opens the first of `files` that exists; the dynamic linker searches for them. If none exists, the error
  // message ends with `remedy`. The library is never closed, since its exit handlers must stay loaded.
  VendorLibrary(std::string name, const std::vector<std::string>& files, std::string remedy);

  const std::string& file() const { return file_; }
  void* handle() const { return handle_; }  // of dlopen()

  template <class Function>
  void find(const char* symbol, Function*& function) const {
    function = reinterpret_cast<Function*>(address(symbol));
  }

 private:
  void* address(const char* symbol) const;

  std::string name_, remedy_, file_;
  void* handle_ = nullptr;
};

}  // namespace kernels
