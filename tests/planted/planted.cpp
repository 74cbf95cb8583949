// planted MODE [NAME]: runs each planted bug that MODE must catch, and each correct kernel, and prints which
// were judged correctly. With NAME: runs only that kernel and shows the mode's report (races with source
// lines under TSAN_OPTIONS=symbolize=1).
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <utility>

#include "kernels/base/check_options.h"
#include "tests/planted/cases.h"

// ThreadSanitizer calls this for each report and continues. The other sanitizers end the process.
static int race_reports = 0;
constexpr int found_by_sanitizer = 66;
#if defined(DYAD_SIMT_ONLY)
extern "C" SIMT_UNINSTRUMENTED void __tsan_on_report(void*) { ++race_reports; }
extern "C" const char* __tsan_default_options() {
  return "exitcode=0:atexit_sleep_ms=0:suppress_equal_stacks=0:suppress_equal_addresses=0:symbolize=0";
}
extern "C" const char* __asan_default_options() { return "exitcode=66:detect_leaks=0"; }
extern "C" const char* __ubsan_default_options() { return "exitcode=66"; }
extern "C" const char* __msan_default_options() { return "exitcode=66"; }
#endif

namespace kernels::planted {
namespace {

struct Outcome {
  bool caught;
  std::string message;
};

Outcome run_once(Mode mode, const Case& c) {
  Buffers natural;
  try {
    c.run(natural, c);
  } catch (const SimtError& error) {
    return {mode == divergence, error.what()};
  }
  if (race_reports) return {true, std::to_string(std::exchange(race_reports, 0)) + " reports"};
  int differ = 0;
  if (mode == msan) differ = natural.result() != natural.result();  // reads each byte
  if (mode == order)
    for (std::uint64_t seed = 1; seed <= 16; ++seed) {
      check_options().order_seed = seed;
      Buffers permuted;
      c.run(permuted, c);
      differ += permuted.result() != natural.result();
    }
  if (mode == poisoned) {
    // three patterns: NaN and -1; huge and positive; zero
    std::string results[3];
    const unsigned char bytes[3] = {0xff, 0x7f, 0x00};
    check_options().poison_shared = true;
    for (int i = 0; i < 3; ++i) {
      check_options().poison_byte = bytes[i];
      Buffers b;
      c.run(b, c);
      results[i] = b.result();
      if (b.has_nan()) return {true, "NaN in the result"};
    }
    differ = (results[1] != results[0]) + (results[2] != results[0]);
  }
  if (differ) return {true, std::to_string(differ) + " results differ"};
  return {false, "nothing found"};
}

// Runs in a process of its own, except under ThreadSanitizer, where a new process is expensive.
bool caught(Mode mode, const Case& c) {
  if (mode == tsan) return run_once(mode, c).caught;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if (!std::freopen("/dev/null", "w", stderr)) std::exit(3);
    std::exit(run_once(mode, c).caught ? 1 : 0);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) {
    std::perror("planted");
    std::exit(3);
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code == 0) return false;
  const int expected = mode == asan || mode == msan ? found_by_sanitizer : 1;
  if (code != expected)
    std::printf("%s: ended with status %d, expected %d\n", c.name.c_str(), code, expected);
  return code == expected;
}

int run_all(const std::string& mode_name, Mode mode) {
  if (mode == tsan && !std::freopen("/dev/null", "w", stderr)) return 3;  // the reports
  int bugs = 0, bugs_caught = 0, correct = 0, correct_passed = 0;
  for (const Case& c : all_cases<SimtStream>()) {
    if (c.caught_by && !(c.caught_by & mode)) continue;
    const bool is_caught = caught(mode, c);
    if (c.caught_by) {
      ++bugs;
      bugs_caught += is_caught;
      if (!is_caught) std::printf("missed: %s\n", c.name.c_str());
    } else {
      ++correct;
      correct_passed += !is_caught;
      if (is_caught) std::printf("false alarm: %s\n", c.name.c_str());
    }
  }
  std::printf("planted.%s: %d of %d planted bugs caught, %d of %d correct kernels pass\n", mode_name.c_str(),
              bugs_caught, bugs, correct_passed, correct);
  return bugs > 0 && correct > 0 && bugs_caught == bugs && correct_passed == correct ? 0 : 1;
}

// ThreadSanitizer remembers few accesses of each address, so whether it sees a race of few pairs must not
// depend on what the process has done before: each of many launches finds it, and those between them find
// nothing.
int run_pairs() {
  kernels::check_options().forget_history = true;
  constexpr int times = 200;
  if (!std::freopen("/dev/null", "w", stderr)) return 3;  // the reports
  int failed = 0;
  for (unsigned pairs : {0u, 1u, 2u}) {
    int found = 0;
    for (int i = 0; i < times; ++i) {
      Buffers b;
      float* y = b.floats(5);
      for (int write = 0; write < i % 5; ++write)  // by the host, one after another
        for (int k = 0; k < 5; ++k) static_cast<volatile float*>(y)[k] = static_cast<float>(write);
      for (int launches = 0; launches < i % 3; ++launches)
        launch<racing_pairs>(SimtStream{}, Grid{dim3(1), dim3(5)}, y, 0u);
      launch<racing_pairs>(SimtStream{}, Grid{dim3(1), dim3(5)}, y, pairs);
      found += std::exchange(race_reports, 0) > 0;
    }
    std::printf("%u racing pairs of threads: found in %d of %d launches\n", pairs, found, times);
    failed += found != (pairs ? times : 0);
  }
  return failed ? 1 : 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "pairs") return run_pairs();
  const std::pair<const char*, Mode> modes[] = {{"divergence", divergence},
                                                {"order", order},
                                                {"poison", poisoned},
                                                {"asan", asan},
                                                {"tsan", tsan},
                                                {"msan", msan}};
  for (const auto& [name, mode] : modes) {
    if (argc < 2 || std::string(argv[1]) != name) continue;
    if (argc == 2) return run_all(name, mode);
    for (const Case& c : all_cases<SimtStream>())
      if (c.name == argv[2]) {
        const Outcome outcome = run_once(mode, c);
        std::printf("%s: %s\n", c.name.c_str(), outcome.message.c_str());
        return outcome.caught ? 1 : 0;
      }
    std::fprintf(stderr, "planted: no kernel %s\n", argv[2]);
    return 2;
  }
  std::fprintf(stderr, "usage: planted divergence|order|poison|asan|tsan|msan [KERNEL] or planted pairs\n");
  return 2;
}

}  // namespace
}  // namespace kernels::planted

int main(int argc, char** argv) { return kernels::planted::main(argc, argv); }
