#include "engine/files/atomic_file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <stdexcept>

#include "tests/support/scratch.h"

using namespace engine;

namespace {

std::size_t files_in(const Scratch& scratch) {
  return std::size_t(std::distance(std::filesystem::directory_iterator(scratch.folder), {}));
}

}  // namespace

TEST_CASE("an atomic file appears at commit, with the usual permissions") {
  const Scratch scratch;
  const mode_t mask = umask(027);
  {
    AtomicFile file(scratch.path("f"));
    file.write("one", 3);
    file.write("two", 3);
    CHECK(!std::filesystem::exists(scratch.path("f")));
    file.commit();
  }
  umask(mask);
  CHECK(scratch.read("f") == "onetwo");
  CHECK(files_in(scratch) == 1);
  struct stat status = {};
  REQUIRE(stat(scratch.path("f").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("without commit the old file stays and no temporary file does") {
  const Scratch scratch;
  write_file_atomically(scratch.path("f"), "old");
  {
    AtomicFile file(scratch.path("f"));
    file.write("new", 3);
    CHECK(files_in(scratch) == 2);
  }
  CHECK(scratch.read("f") == "old");
  CHECK(files_in(scratch) == 1);
  write_file_atomically(scratch.path("f"), "new");
  CHECK(scratch.read("f") == "new");
}

TEST_CASE("errors name the file and what failed, and leave nothing") {
  const Scratch scratch;
  CHECK(message_of<std::runtime_error>([&] { write_file_atomically(scratch.path("no/f"), "x"); }) ==
        scratch.path("no/f") + ": No such file or directory, while opening its folder");
  std::filesystem::create_directories(scratch.path("folder/inside"));
  CHECK(message_of<std::runtime_error>([&] { write_file_atomically(scratch.path("folder"), "x"); }) ==
        scratch.path("folder") + ": Is a directory, while renaming");
  CHECK(files_in(scratch) == 1);
}

TEST_CASE("a full disk is an error, the old file stays and no temporary file does") {
  const Scratch scratch;
  write_file_atomically(scratch.path("f"), "old");
  const pid_t child = fork();
  if (child == 0) {  // a limit on the size of files stands for the full disk
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {50'000, 50'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::string text;
    try {
      write_file_atomically(scratch.path("f"), std::string(100'000, 'x'));
    } catch (const std::runtime_error& error) {
      text = error.what();
    }
    _exit(text == scratch.path("f") + ": File too large, while writing" ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(scratch.read("f") == "old");
  CHECK(files_in(scratch) == 1);
}

TEST_CASE("temporary files that a killed process left are removed, others stay") {
  const Scratch scratch;
  const pid_t child = fork();
  if (child == 0) {
    AtomicFile file(scratch.path("f"));
    file.write("half", 4);
    raise(SIGKILL);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(files_in(scratch) == 1);
  scratch.write("kept.tmp-abc", "");
  scratch.write("kept", "");
  remove_temporary_files(scratch.folder.string());
  CHECK(files_in(scratch) == 2);
  CHECK(std::filesystem::exists(scratch.path("kept.tmp-abc")));
}
