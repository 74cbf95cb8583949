#include "kernels/base/crash_report.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iterator>

#include "kernels/simt/sanitizers.h"
#include "kernels/simt/team.h"
#if defined(SIMT_ASAN) || defined(SIMT_TSAN) || defined(SIMT_MSAN)
#include <sanitizer/common_interface_defs.h>
#endif

namespace kernels {
namespace {

// The handlers use what POSIX allows them, and dladdr and backtrace, which work unless the crash was in the
// dynamic linker. The first frame is written before backtrace walks over a stack that may be broken.
void write_frame(int number, void* address, bool is_return_address) {
  Dl_info info{};
  auto at = reinterpret_cast<std::uintptr_t>(address) - (is_return_address ? 1 : 0);
  if (dladdr(reinterpret_cast<void*>(at), &info) == 0 || info.dli_fname == nullptr) return;
  const char* module = std::strrchr(info.dli_fname, '/');
  dprintf(STDERR_FILENO, "    #%d ? <null> (%s+0x%zx)\n", number,
          module != nullptr ? module + 1 : info.dli_fname,
          std::size_t(at - reinterpret_cast<std::uintptr_t>(info.dli_fbase)));
}

void write_thread() {
  if (const char* thread = simt::running_thread(); *thread)
    dprintf(STDERR_FILENO, "CUDA thread: %s\n", thread);
}

void* program_counter(const void* context) {
  const auto& registers = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return reinterpret_cast<void*>(registers.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return reinterpret_cast<void*>(registers.pc);
#endif
}

const char* kind_of_alarm = "";

void on_signal(int signal, siginfo_t*, void* context) {
  const char* kind = signal == SIGALRM ? kind_of_alarm : sigabbrev_np(signal);
  dprintf(STDERR_FILENO, "ERROR: Signal: %s%s\n", signal == SIGALRM ? "" : "SIG", kind);
  if constexpr (simt::tsan) {  // whose handlers may not even call dladdr
    write_thread();
    _exit(128 + signal);
  }
  void* const here = program_counter(context);
  write_frame(0, here, false);
  write_thread();
  void* frames[32];
  const int count = backtrace(frames, int(std::size(frames)));
  bool inside = false;  // beyond the handler's own frames
  for (int i = 0, number = 1; i < count; ++i) {
    if (inside) write_frame(number++, frames[i], true);
    inside |= frames[i] == here;
  }
  _exit(128 + signal);
}

void handle(int signal) {
#if defined(SIMT_TSAN)
  // ThreadSanitizer keeps signals back until the program calls a function that it intercepts, which a loop
  // that spins never does. The kernel's own call is not intercepted.
  struct {
    void (*handler)(int, siginfo_t*, void*);
    unsigned long flags;
    void (*restorer)();  // where a handler returns to; ours doesn't
    unsigned long mask;
  } const action = {on_signal, SA_SIGINFO | SA_ONSTACK | 0x04000000 /* SA_RESTORER */, [] {}, 0};
  syscall(SYS_rt_sigaction, signal, &action, nullptr, sizeof action.mask);
#else
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | int(SA_RESETHAND);
  sigaction(signal, &action, nullptr);
#endif
}

}  // namespace

void report_crashes(const char* time_limit) {
  kind_of_alarm = time_limit;
  void* first[1];
  backtrace(first, 1);  // loads what it needs
  handle(SIGALRM);
#if defined(SIMT_ASAN) || defined(SIMT_TSAN) || defined(SIMT_MSAN)
  __sanitizer_set_death_callback(write_thread);
#else
  static char stack[64 * 1024];  // a kernel may have used up its own
  stack_t alternative{};
  alternative.ss_sp = stack;
  alternative.ss_size = sizeof stack;
  sigaltstack(&alternative, nullptr);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) handle(signal);
#endif
}

}  // namespace kernels
