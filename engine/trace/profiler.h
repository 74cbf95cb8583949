// Names for stretches of the host's time, as Nsight Systems shows them (NVTX).
#pragma once

namespace engine {

// From here to the end of the scope. Nothing in builds without CUDA; without a profiler two calls that return
// at once.
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
