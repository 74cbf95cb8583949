// main() of dyad::simt_main: runs run_kernels() and prints what is found, a line for each.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>

#include "apps/check/run_kernels.h"
#include "apps/check/sanitizer_report.h"
#include "apps/check/temporary_file.h"
#include "kernels/base/check_options.h"
#include "kernels/base/crash_report.h"

#ifdef DYAD_SIMT_ONLY
extern "C" const char* __tsan_default_options() { return "exitcode=0:atexit_sleep_ms=0:history_size=7"; }
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

int main(int argc, char** argv) {
  const apps::TemporaryFile printed;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) return std::perror(argv[0]), 1;
  if (child == 0) {
    dup2(printed.descriptor(), STDERR_FILENO);
    kernels::report_crashes("time limit");
    kernels::check_options().forget_history = true;
    int code = 1;
    try {
      code = run_kernels(argc, argv);
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s\n", e.what());
    }
    std::fflush(nullptr);
    _exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  const std::string text = printed.text();
  const auto findings = apps::sanitizer_findings(text, apps::file_in_this_program);
  for (const std::string& f : findings) std::printf("%s\n", f.c_str());
  if (findings.empty()) std::fputs(text.c_str(), stderr);
  if (!findings.empty()) return 1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
