#include "apps/system/build_facts.h"

#ifndef DYAD_CUDA_VERSION
#define DYAD_CUDA_VERSION ""
#endif

namespace apps {

const BuildFacts build_facts{
    .version = DYAD_VERSION, .revision = DYAD_REVISION, .compiled_for = DYAD_ARCH, .cuda = DYAD_CUDA_VERSION};

}  // namespace apps
