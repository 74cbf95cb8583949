#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>

#include "apps/cli/cli.h"
#include "apps/system/cores.h"
#include "apps/system/exit_code.h"
#include "apps/system/result_output.h"
#include "engine/memory/failed_allocation.h"
#include "engine/ranks/rank_endings.h"

namespace {

bool in_main = false;

[[noreturn]] void failed_allocation(std::size_t bytes) {
  const engine::FailedAllocation error(bytes);
  if (in_main) throw error;
  std::fprintf(stderr, "dyad: %s\n", error.what());  // static data of a library: nothing can catch it yet
  std::_Exit(apps::kFailed);
}

}  // namespace

// Every allocation that fails says what was being made, and how large it was.
void* operator new(std::size_t bytes) {
  if (void* memory = std::malloc(bytes > 0 ? bytes : 1)) return memory;
  failed_allocation(bytes);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  void* memory = nullptr;
  if (posix_memalign(&memory, std::size_t(alignment), bytes) == 0) return memory;
  failed_allocation(bytes);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

// An error that no caller can catch, as that of a library's own threads or of a function that may not throw.
[[noreturn]] void end_with_a_line() {
  try {
    if (const std::exception_ptr error = std::current_exception()) std::rethrow_exception(error);
    std::fputs("dyad: ended without an error\n", stderr);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "dyad: %s\n", e.what());
  } catch (...) {
    std::fputs("dyad: an unknown error\n", stderr);
  }
  engine::say_ending(apps::kFailed);
  std::_Exit(apps::kFailed);
}

int ended(int code) {
  if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
    std::fputs("dyad: stdout: not all of it could be written\n", stderr);
    if (code == apps::kOk) code = apps::kFailed;
  }
  engine::say_ending(code);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  in_main = true;
  std::set_terminate(end_with_a_line);
  apps::open_standard_descriptors();
  apps::use_threads_of_quota();
  return ended(apps::run_command_line({argv + 1, argv + argc}, std::cout, std::cerr));
}
