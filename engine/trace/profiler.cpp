#include "engine/trace/profiler.h"

#ifdef DYAD_CUDA
#include <nvtx3/nvToolsExt.h>

namespace engine {

ProfilerRange::ProfilerRange(const char* name) { nvtxRangePushA(name); }
ProfilerRange::~ProfilerRange() { nvtxRangePop(); }

}  // namespace engine
#endif
