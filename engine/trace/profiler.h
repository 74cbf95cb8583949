// Named ranges of host time for Nsight Systems (NVTX).
#pragma once

namespace engine {

// A range from construction to the end of the scope. Does nothing in builds without CUDA. Without a profiler
// it costs two calls that return at once.
class ProfilerRange {
 public:
#ifdef DYAD_CUDA
  explicit ProfilerRange(const char* name);
  ~ProfilerRange();
#else
  explicit ProfilerRange(const char*) {}
  ~ProfilerRange() {}
#endif
  ProfilerRange(const ProfilerRange&) = delete;
  ProfilerRange& operator=(const ProfilerRange&) = delete;
};

}  // namespace engine
