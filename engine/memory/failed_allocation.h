// What ran out of memory, in words: a std::bad_alloc says neither what was being made nor how large it was.
#pragma once

#include <cstddef>
#include <new>

namespace engine {

// Names what this thread is making while it exists: "the pixels of a batch". The innermost one counts.
class Making {
 public:
  explicit Making(const char* what);  // a literal
  ~Making();
  Making(const Making&) = delete;
  Making& operator=(const Making&) = delete;

 private:
  const char* before_;
};

const char* being_made();  // by this thread; "data of the program" if nothing is named

// "out of memory: the pixels of a batch, 65,536 bytes". Making one needs no memory.
class FailedAllocation : public std::bad_alloc {
 public:
  explicit FailedAllocation(std::size_t bytes) noexcept;  // of what the thread is making
  const char* what() const noexcept override { return text_; }

 private:
  char text_[160];
};

}  // namespace engine
