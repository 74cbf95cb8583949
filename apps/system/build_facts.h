// What CMake knows about this build. In a file of its own, since every commit compiles it again.
#pragma once

namespace apps {

struct BuildFacts {
  const char *version, *revision, *compiled_for;
  const char* cuda;  // the toolkit's version, or empty
};
extern const BuildFacts build_facts;

}  // namespace apps
