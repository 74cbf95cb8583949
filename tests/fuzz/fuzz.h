// Shared by the fuzz targets. A parser of external input either accepts it or throws the project's error, one
// line. Anything else ends the process, and libFuzzer keeps the input.
#pragma once

#include <sanitizer/allocator_interface.h>

#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "data/dataset.h"
#include "engine/error.h"
#include "engine/files/hash.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* bytes, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes, std::size_t size, std::size_t max_size,
                                               unsigned seed);

namespace fuzz {

inline void expect(bool ok, const char* what, const std::string& detail = "") {
  if (ok) return;
  std::fprintf(stderr, "fuzz: expected %s%s%s\n", what, detail.empty() ? "" : ": ", detail.c_str());
  std::abort();
}

// The memory that the parser holds, counted at every malloc. libFuzzer's own limits check single allocations,
// or the process once per second.
class Memory {
 public:
  static void watch() {
    static const int installed = __sanitizer_install_malloc_and_free_hooks(taken, given_back);
    expect(installed != 0, "hooks of malloc");
    held = 0;
  }

 private:
  static constexpr std::int64_t most = 256 << 20;
  static inline std::int64_t held = 0;  // no parser has threads
  static void taken(const volatile void*, std::size_t size) {
    held += std::int64_t(size);
    if (held <= most) return;
    held = 0;  // the report allocates memory too
    expect(false, "at most 256 MB of memory for one input");
  }
  static void given_back(const volatile void* pointer) {
    if (pointer != nullptr)
      held -= std::int64_t(__sanitizer_get_allocated_size(const_cast<const void*>(pointer)));
  }
};

inline std::string shown(
    const std::string& message) {  // prints it if DYAD_FUZZ_SHOW=1, to debug single inputs
  static const bool show = std::getenv("DYAD_FUZZ_SHOW") != nullptr;
  if (show) std::fprintf(stderr, "%s\n", message.empty() ? "taken" : message.c_str());
  return message;
}

// Runs f and returns the message of the project's error, or "" if it threw none. Other exceptions end the
// process. `names`: the file that every message must name.
template <class F>
std::string refusal(const std::string& names, F f) {
  std::string message;
  Memory::watch();
  try {
    f();
  } catch (const engine::DataError& error) {
    message = error.what();
    expect(message.starts_with(names), "a message that begins with the file", message);
  } catch (const engine::UsageError& error) {
    message = error.what();
    expect(message.find(names) != std::string::npos, "a message that names the file", message);
  }
  return shown(message);
}

// The system's libraries of images aren't instrumented, so libFuzzer gets no coverage from them. Instead,
// each kind of error message is a counter that libFuzzer treats as coverage.
__attribute__((section("__libfuzzer_extra_counters"), no_sanitize("address"),
               used)) static std::uint8_t outcomes[512];

[[maybe_unused]] inline void note_outcome(const std::string& message) {
  std::string kind = message;  // without its numbers, which would give too many kinds
  std::erase_if(kind, [](unsigned char c) { return std::isxdigit(c) || c == ','; });
  outcomes[engine::fnv1a(kind.data(), kind.size()) % sizeof outcomes] = 1;
}

[[maybe_unused]] inline void expect_whole(const data::Image& image) {
  expect(image.height >= 1 && image.width >= 1 &&
             image.pixels.size() == std::size_t(image.height) * std::size_t(image.width) * 3,
         "as many pixels as height and width say");
}

}  // namespace fuzz
