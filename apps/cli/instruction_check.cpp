// The rest of the program is compiled for one level of instruction set (DYAD_ARCH). On a CPU that lacks it,
// the program would die of SIGILL; this check prints one line instead. It runs before every other initialiser
// and is compiled for the oldest x86-64. It uses no C++ header, because the linker keeps one copy of an
// inline function and might keep one that was compiled for the newer CPU.
#if defined(DYAD_X86_64_LEVEL)
#include <stddef.h>
#include <string.h>
#include <unistd.h>

namespace {

void say(const char* text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) _exit(1);
}

const char* missing() {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2")) return "AVX2";
  if (!__builtin_cpu_supports("fma")) return "FMA";
  if (!__builtin_cpu_supports("bmi2")) return "BMI2";
#if DYAD_X86_64_LEVEL >= 4
  if (!__builtin_cpu_supports("avx512f")) return "AVX-512F";
  if (!__builtin_cpu_supports("avx512bw")) return "AVX-512BW";
  if (!__builtin_cpu_supports("avx512cd")) return "AVX-512CD";
  if (!__builtin_cpu_supports("avx512dq")) return "AVX-512DQ";
  if (!__builtin_cpu_supports("avx512vl")) return "AVX-512VL";
#endif
  return nullptr;
}

__attribute__((constructor(101))) void check_instructions() {
  const char* feature = missing();
  if (feature == nullptr) return;
  say("dyad: this program was compiled for x86-64-v");
  say(DYAD_X86_64_LEVEL >= 4 ? "4" : "3");
  say(" and this CPU has no ");
  say(feature);
  say("; build it here, or with cmake -DDYAD_ARCH=generic\n");
  _exit(1);
}

}  // namespace
#endif
