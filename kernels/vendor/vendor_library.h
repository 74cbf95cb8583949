// A vendor's shared library that is opened when a CUDA device first needs it, and its functions, found by
// name. So a program built with CUDA starts as fast, and does as much, on a machine that has none of these
// libraries.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace kernels {

// A library, or a function in it, that is not here. One line: what, the names that were tried, what to
// install.
struct MissingLibrary : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// NVIDIA's libraries count 21803 for 2.18.3.
inline std::string dotted_version(std::size_t v) {
  return std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." + std::to_string(v % 100);
}

class VendorLibrary {
 public:
  // Opens the first of `files` that is there: names for the dynamic linker, which knows where to look.
  // `remedy` ends the message where there is none. The library stays open for the life of the program, since
  // what it has registered to run at exit must stay where it is.
  VendorLibrary(std::string name, const std::vector<std::string>& files, std::string remedy);

  const std::string& file() const { return file_; }
  void* handle() const { return handle_; }  // dlopen's

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
