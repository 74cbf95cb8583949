// Preloaded into a program: makes one of its file calls fail. FAULT=CALL:N:WHAT, counted from
// dyad_arm_faults(): the N-th CALL (from 1; "any": the N-th of all calls) does WHAT: an error (ENOSPC, EIO,
// EINTR, EACCES, EMFILE, ESTALE), `short` (write: writes only a part), `kill` (before the call) or `killed`
// (after the call). FAULT=count writes the calls to stderr at exit.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

namespace {

constexpr const char* kNames[] = {"open", "write", "fsync", "close", "rename", "unlink", "pread", "any"};
constexpr int kCalls = 7;

bool armed = false;
int counts[kCalls + 1] = {};

struct Wanted {
  int call = -1, number = 0;
  std::string what;
  Wanted() {
    const char* text = std::getenv("FAULT");
    char name[16], action[16];
    if (text == nullptr || std::sscanf(text, "%15[a-z]:%d:%15[A-Za-z]", name, &number, action) != 3) return;
    for (int i = 0; i <= kCalls; ++i)
      if (std::strcmp(name, kNames[i]) == 0) call = i;
    what = action;
  }
};
const Wanted& wanted() {
  static const Wanted w;
  return w;
}

int error_of(const std::string& name) {
  constexpr std::pair<const char*, int> kErrors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},
                                                     {"EINTR", EINTR},   {"EACCES", EACCES},
                                                     {"EMFILE", EMFILE}, {"ESTALE", ESTALE}};
  for (const auto& [text, error] : kErrors)
    if (name == text) return error;
  return 0;
}

template <class F>
F real(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

// The fault for this call; "" for none.
std::string now(int call) {
  if (!armed) return "";
  ++counts[call];
  ++counts[kCalls];
  const Wanted& w = wanted();
  const bool hit = (w.call == call || w.call == kCalls) && counts[w.call] == w.number;
  if (hit && w.what == "kill") raise(SIGKILL);
  return hit ? w.what : "";
}

// Fails as requested, or makes the call. `call_anyway`: close closes the file even if it fails.
template <class Call>
auto faulty(int number, Call call, bool call_anyway = false) -> decltype(call()) {
  const std::string what = now(number);
  if (const int error = error_of(what)) {
    if (call_anyway) call();
    errno = error;
    return -1;
  }
  const auto result = call();
  if (what == "killed") raise(SIGKILL);
  return result;
}

}  // namespace

extern "C" {

void dyad_arm_faults() { armed = true; }

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = va_arg(more, mode_t);
  va_end(more);
  return faulty(0, [&] { return real<int (*)(const char*, int, ...)>("open")(path, flags, mode); });
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = va_arg(more, mode_t);
  va_end(more);
  return open(path, flags, mode);
}
ssize_t write(int file, const void* bytes, size_t size) {
  if (file <= 2) return real<ssize_t (*)(int, const void*, size_t)>("write")(file, bytes, size);
  const std::string what = now(1);
  if (const int error = error_of(what)) {
    errno = error;
    return -1;
  }
  if (what == "short" && size > 1) size /= 2;
  const ssize_t result = real<ssize_t (*)(int, const void*, size_t)>("write")(file, bytes, size);
  if (what == "killed") raise(SIGKILL);
  return result;
}
int fsync(int file) {
  return faulty(2, [&] { return real<int (*)(int)>("fsync")(file); });
}
int close(int file) {
  return faulty(
      3, [&] { return real<int (*)(int)>("close")(file); }, true);
}
int rename(const char* from, const char* to) {
  return faulty(4, [&] { return real<int (*)(const char*, const char*)>("rename")(from, to); });
}
int unlink(const char* path) {
  return faulty(5, [&] { return real<int (*)(const char*)>("unlink")(path); });
}

ssize_t pread(int file, void* bytes, size_t size, off_t offset) {
  return faulty(
      6, [&] { return real<ssize_t (*)(int, void*, size_t, off_t)>("pread")(file, bytes, size, offset); });
}
ssize_t pread64(int file, void* bytes, size_t size, off64_t offset) {
  return pread(file, bytes, size, offset);
}

__attribute__((destructor)) void report() {
  const char* text = std::getenv("FAULT");
  if (text == nullptr || std::strcmp(text, "count") != 0) return;
  for (int i = 0; i <= kCalls; ++i) std::fprintf(stderr, "%s %d\n", kNames[i], counts[i]);
}
}
