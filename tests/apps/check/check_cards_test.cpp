// Parsing findings from sanitizers' reports, and writing JUnit XML.
#include <doctest/doctest.h>

#include <filesystem>

#include "apps/check/junit.h"
#include "apps/check/sanitizer_report.h"

using Findings = std::vector<std::string>;

TEST_CASE("findings: a race with its two source lines, without frames of the SIMT layer") {
  const std::string race =
      "==================\n"
      "WARNING: ThreadSanitizer: data race (pid=12)\n"
      "  Write of size 4 at 0x7b08 by main thread:\n"
      "    #0 kernels::host::atomicAdd(float*, float) /home/u/dyad/kernels/simt/vocabulary.h:20 (p+0x1)\n"
      "    #1 void mine::(anonymous namespace)::scan_kernel<256, float>(long, float*) "
      "/home/u/mine/scan.cu:31 (p+0x2)\n"
      "    #2 void kernels::host::detail::run_thread<>() /home/u/dyad/kernels/simt/launch_host.h:80 (p+0x3)\n"
      "\n"
      "  Previous atomic read of size 4 at 0x7b08 by thread T1:\n"
      "    #0 mine::(anonymous namespace)::helper(float*) /home/u/mine/scan.cu:27:5 (p+0x4)\n"
      "\n"
      "  Location is heap block of size 64 at 0x7b00 allocated by main thread:\n"
      "    #0 operator new(unsigned long) ../libsanitizer/tsan/tsan_new_delete.cpp:64 (l+0x5)\n"
      "    #1 main /home/u/mine/main.cpp:9 (p+0x6)\n"
      "SUMMARY: ThreadSanitizer: data race /home/u/mine/scan.cu:31 in scan_kernel\n"
      "==================\n";
  const Findings one = {
      "data race: write of size 4 at scan.cu:31 (scan_kernel), previous atomic read of size 4 at "
      "scan.cu:27 (helper)"};
  CHECK(apps::sanitizer_findings(race) == one);
  CHECK(apps::sanitizer_findings(race + race) == one);
  CHECK(apps::sanitizer_findings("") == Findings{});
}

TEST_CASE("findings: the threads of a race, as far as they are known") {
  const auto race = [](const std::string& writer, const std::string& reader) {
    return "WARNING: ThreadSanitizer: data race (pid=12)\n"
           "  Write of size 4 at 0x7b08 by thread T4:\n"
           "    #0 scan_kernel(float*) /home/u/mine/scan.cu:31 (p+0x2)\n"
           "\n"
           "  Previous read of size 4 at 0x7b08 by thread T1:\n"
           "    #0 scan_kernel(float*) /home/u/mine/scan.cu:27 (p+0x4)\n"
           "\n"
           "  Thread T4 '" +
           writer +
           "' (tid=0, running) created by main thread at:\n"
           "    #0 run_block /home/u/mine/other.cu:1 (p+0x5)\n"
           "\n"
           "  Thread T1 '" +
           reader + "' (tid=0, running) created by main thread at:\n";
  };
  const std::string known = race("thread (3,0,0) of block (1,2,0)", "thread (5,0,0) of block (0,0,0)");
  const Findings one = {
      "data race: write of size 4 at scan.cu:31 (scan_kernel) by thread (3,0,0) of block (1,2,0), previous "
      "read of size 4 at scan.cu:27 (scan_kernel) by thread (5,0,0) of block (0,0,0)"};
  CHECK(apps::sanitizer_findings(known) == one);
  CHECK(apps::sanitizer_findings(known + race("thread (4,0,0) of block (1,2,0)", "")) == one);  // same lines
  CHECK(apps::sanitizer_findings(
            race("thread (3,0,0) of block (9,0,0)+", "thread (4,0,0) of block (8,0,0)+")) ==
        Findings{"data race: write of size 4 at scan.cu:31 (scan_kernel) by thread (3,0,0) of block (9,0,0), "
                 "previous read of size 4 at scan.cu:27 (scan_kernel) by block (8,0,0) or an earlier one"});
}

TEST_CASE("findings: a frame without a source file") {
  const std::string race =
      "WARNING: ThreadSanitizer: data race (pid=12)\n"
      "  Write of size 4 at 0x7b08 by thread T4:\n"
      "    #0 memmove <null> (libc.so.6+0x5)\n"
      "    #1 void mine::scan_kernel<64, float>(long, float*) <null> (cards+0xc257)\n"
      "    #2 main /home/u/mine/main.cpp:9 (cards+0x6)\n"
      "\n";
  const auto file_of = [](const std::string& module, const std::string& offset) {
    return module == "cards" ? "/home/u/mine/scan.cu:" + offset : "";
  };
  CHECK(apps::sanitizer_findings(race, file_of) ==
        Findings{"data race: write of size 4 at scan.cu:0xc257 (scan_kernel)"});
  std::string newer = race;  // g++ 13 and clang
  newer.insert(newer.find("\n    #2"), " (BuildId: 01ab)");
  CHECK(apps::sanitizer_findings(newer, file_of) == apps::sanitizer_findings(race, file_of));

  // frames of the SIMT layer are skipped, and so are frames without a file if an outer frame has one
  for (const char* inner :
       {"/home/u/dyad/kernels/simt/atomic.h:7", "/usr/include/c++/12/bits/algo.h:9", "", "cards:0xc257"})
    CHECK(apps::sanitizer_findings(race, [&](const std::string& module, const auto&) {
            return module == "cards" ? std::string(inner) : "";
          }) == Findings{"data race: write of size 4 at main.cpp:9 (main)"});
  const std::string bare = race.substr(0, race.find("    #2"));
  int asked = 0;
  const auto unknown = [&](const std::string& module, const std::string& offset) {
    ++asked;
    return module == "cards" ? module + ":" + offset : "";
  };
  CHECK(apps::sanitizer_findings(bare + bare, unknown) ==
        Findings{"data race: write of size 4 at cards:0xc257 (scan_kernel)"});
  CHECK(asked == 2);  // once each

  // this program; addr2line may or may not resolve its addresses
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").filename().string();
  CHECK(apps::file_in_this_program("libc.so.6", "0x5") == "");
  CHECK(apps::file_in_this_program(self, "0xffffffffff") == self + ":0xffffffffff");
}

TEST_CASE("findings: AddressSanitizer and UBSan") {
  CHECK(apps::sanitizer_findings(
            "==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x60 at pc 0x55 bp 0x7f sp 0x7f\n"
            "READ of size 4 at 0x60 thread T0\n"
            "    #0 0x55 in load<float> /home/u/mine/row.cu:12\n"
            "\n"
            "0x60 is located 0 bytes to the right of 64-byte region [0x20,0x60)\n"
            "allocated by thread T0 here:\n"
            "    #0 0x7f in operator new /home/u/mine/other.cu:1\n") ==
        Findings{"heap-buffer-overflow: read of size 4 at row.cu:12 (load)"});
  CHECK(
      apps::sanitizer_findings("/home/u/mine/row.cu:9:14: runtime error: shift exponent 33 is too large\n") ==
      Findings{"shift exponent 33 is too large: at row.cu:9"});
}

TEST_CASE("findings: shared memory, signals, and the CUDA thread that ran") {
  const std::string who = "CUDA thread: thread (3,0,0) of block (1,0,0) in sum (sum.cu:40)\n";
  const std::string by = " by thread (3,0,0) of block (1,0,0) in sum (sum.cu:40)";
  CHECK(apps::sanitizer_findings(
            "==7==ERROR: AddressSanitizer: use-after-poison on address 0x60 at pc 0x55 bp 0x7f sp 0x7f\n"
            "WRITE of size 4 at 0x60 thread T1\n"
            "    #0 0x55 in float const& std::max<float>(float const&) "
            "/usr/include/c++/12/bits/stl_algobase.h:2\n"
            "    #1 0x55 in sum_kernel<float> /home/u/mine/sum.cu:12\n" +
            who) ==
        Findings{"access out of bounds of shared memory: write of size 4 at sum.cu:12 (sum_kernel)" + by});
  CHECK(apps::sanitizer_findings(
            "==7==ERROR: AddressSanitizer: SEGV on unknown address 0x10 (pc 0x5 bp 0x6 sp 0x7 T0)\n"
            "==7==The signal is caused by a WRITE memory access.\n"
            "    #0 0x55 in sum_kernel<float> /home/u/mine/sum.cu:13\n" +
            who) == Findings{"SEGV: write at sum.cu:13 (sum_kernel)" + by});
  const auto file_of = [](const std::string&, const std::string&) {
    return std::string("/home/u/mine/sum.cu:14");
  };
  CHECK(apps::sanitizer_findings(
            "==7==ERROR: AddressSanitizer: SEGV on unknown address 0x10 (pc 0x5 bp 0x6 sp 0x7 T0)\n"
            "==7==The signal is caused by a WRITE memory access.\n"
            "    #0 0x5 in void sum_kernel<float>(float*) (/home/u/mine/cards+0x61)\n" +
                who,
            file_of) == Findings{"SEGV: write at sum.cu:14 (sum_kernel)" + by});
  CHECK(apps::sanitizer_findings("ERROR: Signal: SIGSEGV\n    #0 ? <null> (cards+0x5)\n" + who, file_of) ==
        Findings{"SIGSEGV: at sum.cu:14" + by});
  CHECK(apps::sanitizer_findings("/home/u/mine/row.cu:9:14: runtime error: shift exponent 33 is too large\n" +
                                 who) == Findings{"shift exponent 33 is too large: at row.cu:9" + by});
}

TEST_CASE("findings: MemorySanitizer") {
  CHECK(
      apps::sanitizer_findings(
          "==7==WARNING: MemorySanitizer: use-of-uninitialized-value\n"
          "    #0 0x55 in bcmp (/home/u/mine/cards+0x5)\n"
          "    #1 0x55 in equal(int) /home/u/mine/look.cpp:44:47\n"
          "\n"
          "  Uninitialized value was stored to memory at\n"
          "    #0 0x56 in sum_kernel(float*) /home/u/mine/row.cu:23:18\n"
          "\n"
          "  Memory was marked as uninitialized\n"
          "    #0 0x57 in __msan_allocated_memory (/home/u/mine/cards+0x6)\n"
          "    #1 0x57 in ready_array /home/u/dyad/kernels/simt/block.cpp:9:1\n"
          "\n"
          "SUMMARY: MemorySanitizer: use-of-uninitialized-value /home/u/mine/look.cpp:44:47 in equal\n") ==
      Findings{"use-of-uninitialized-value: read at look.cpp:44 (equal), stored at row.cu:23 (sum_kernel)"});
}

TEST_CASE("JUnit XML: counts and escaping") {
  CHECK(apps::junit_text("cards", {{"relu", "(3)", 0.5}, {"sum", "(1)", 0.25, "a < b & \"c\"\n"}}) ==
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuite name=\"cards\" tests=\"2\" failures=\"1\" time=\"0.75\">\n"
        "  <testcase classname=\"relu\" name=\"(3)\" time=\"0.5\"/>\n"
        "  <testcase classname=\"sum\" name=\"(1)\" time=\"0.25\">\n"
        "    <failure message=\"a &lt; b &amp; &quot;c&quot;&#10;\"/>\n"
        "  </testcase>\n"
        "</testsuite>\n");
}
