// Preloaded into a program: the FAIL_ALLOCATION-th allocation of at least FAIL_SIZE bytes (64 KiB) fails, and
// so does the FAIL_THREAD-th start of a thread. FAIL_REPORT=FILE gets both counts at exit. FAIL_RANK: only in
// this rank of mpirun's.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

namespace {

std::atomic<long> allocations{0}, threads{0};
long failing_allocation = 0, failing_thread = 0, least = 0;  // least: 0 until the program has begun

long number(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atol(text) : otherwise;
}

bool is_meant() {
  const char *wanted = std::getenv("FAIL_RANK"), *rank = std::getenv("OMPI_COMM_WORLD_RANK");
  return wanted == nullptr || (rank != nullptr && std::strcmp(wanted, rank) == 0);
}

__attribute__((constructor)) void begin() {
  if (!is_meant()) return;
  failing_allocation = number("FAIL_ALLOCATION", 0);
  failing_thread = number("FAIL_THREAD", 0);
  least = number("FAIL_SIZE", 65536);
}

__attribute__((destructor)) void report() {
  const char* file = std::getenv("FAIL_REPORT");
  if (file == nullptr || least == 0) return;
  char text[80];
  const int size = std::snprintf(text, sizeof text, "%ld %ld\n", allocations.load(), threads.load());
  const int to = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  (void)!write(to, text, size_t(size));
  close(to);
}

bool fails(size_t bytes) {
  if (least == 0 || bytes < size_t(least) || ++allocations != failing_allocation) return false;
  errno = ENOMEM;
  return true;
}

}  // namespace

extern "C" {

void* malloc(size_t bytes) { return fails(bytes) ? nullptr : __libc_malloc(bytes); }
void* calloc(size_t count, size_t bytes) {
  return fails(count * bytes) ? nullptr : __libc_calloc(count, bytes);
}
void* realloc(void* old, size_t bytes) { return fails(bytes) ? nullptr : __libc_realloc(old, bytes); }
void* memalign(size_t alignment, size_t bytes) {
  return fails(bytes) ? nullptr : __libc_memalign(alignment, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void** to, size_t alignment, size_t bytes) {
  *to = memalign(alignment, bytes);
  return *to != nullptr ? 0 : ENOMEM;
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return ++threads == failing_thread ? EAGAIN : real(thread, attributes, run, argument);
}
}
