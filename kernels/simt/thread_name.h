// The name of a CUDA thread in ThreadSanitizer's reports: "thread (5,0,0) of block (2,0,0)".
#pragma once

namespace kernels::simt {

struct ThreadIndices {
  unsigned thread[3], block[3];
};

// Made in thread context, where nothing may call the C library (block.cpp).
class ThreadName {
 public:
  // of_several: another thread of this launch had the context before, and a "previous" access may be that
  // thread's
  ThreadName(const ThreadIndices& i, bool of_several) {
    add("thread ");
    add(i.thread);
    add(" of block ");
    add(i.block);
    if (of_several) add("+");
    *end_ = 0;
  }
  const char* text() const { return text_; }

 private:
  void add(const char* words) {
    while (*words) *end_++ = *words++;
  }
  void add(const unsigned (&index)[3]) {
    for (unsigned i = 0; i < 3; ++i) {
      add(i == 0 ? "(" : ",");
      unsigned unit = 1;
      while (index[i] / unit >= 10) unit *= 10;
      for (; unit; unit /= 10) *end_++ = char('0' + index[i] / unit % 10);
    }
    add(")");
  }
  char text_[64], *end_ = text_;  // the sanitizer keeps 64; CUDA's largest grid needs 57
};

}  // namespace kernels::simt
