// What a process of checks says when a signal or a sanitizer ends it: where, and in which thread of which
// block.
#pragma once

namespace kernels {

// From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT write a report to stderr and end the process with
// exit code 128 + signal; so does SIGALRM, whose kind is `time_limit`, which must outlive this. In a
// sanitizer's build the sanitizer reports all but SIGALRM, and the CUDA thread is added.
void report_crashes(const char* time_limit);

}  // namespace kernels
