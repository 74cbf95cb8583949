#include "engine/files/atomic_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "engine/files/text_file.h"
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

TEST_CASE("what can't be replaced is written in place, and a link is replaced") {
  for (const char* path : {"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/fd/1", "/proc/self/fd/2"}) {
    CAPTURE(path);
    CHECK(writes_in_place(path));
  }
  const Scratch scratch;
  for (const std::string& path :
       {scratch.write("file", "old"), scratch.path("none"), scratch.folder.string(), std::string("/dev/fd/x"),
        std::string("/dev/fd/-1"), std::string("/dev/fd/1/x")}) {
    CAPTURE(path);
    CHECK_FALSE(writes_in_place(path));
  }
  REQUIRE(mkfifo(scratch.path("pipe").c_str(), 0600) == 0);
  CHECK(message_of<WriteError>([&] { AtomicFile file(scratch.path("pipe")); }) ==
        scratch.path("pipe") + ": No such device or address, while opening it: no process reads from it");
  const int reader = open(scratch.path("pipe").c_str(), O_RDONLY | O_NONBLOCK);
  write_file_atomically(scratch.path("pipe"), "text");
  char text[8] = {};
  CHECK(read(reader, text, sizeof text) == 4);
  CHECK(std::string(text) == "text");
  close(reader);
  CHECK(std::filesystem::is_fifo(scratch.path("pipe")));

  std::filesystem::create_symlink(scratch.path("file"), scratch.path("link"));
  std::filesystem::create_symlink(scratch.path("pipe"), scratch.path("pipe-link"));
  for (const char* link : {"link", "pipe-link"}) {
    write_file_atomically(scratch.path(link), "new");
    CHECK(scratch.read(link) == "new");
    CHECK_FALSE(std::filesystem::is_symlink(scratch.path(link)));
  }
  CHECK(scratch.read("file") == "old");
}

TEST_CASE("a temporary name that is there already is passed over, and a link at it is not followed") {
  const Scratch scratch;
  scratch.write("target", "precious");
  const auto name = [&](int i) {
    return scratch.path("f.tmp-" + std::to_string(getpid()) + "-" + std::to_string(i));
  };
  for (int i = 0; i < 2000; ++i) std::filesystem::create_symlink("target", name(i));
  write_file_atomically(scratch.path("f"), "text");
  CHECK(scratch.read("f") == "text");
  CHECK(scratch.read("target") == "precious");
}

TEST_CASE("a file of a run is opened only if it is regular and no link; reading never waits") {
  const Scratch scratch;
  std::string error;
  scratch.write("file", "text");
  std::filesystem::create_symlink("file", scratch.path("link"));
  REQUIRE(mkfifo(scratch.path("pipe").c_str(), 0600) == 0);
  const int file = open_own_file(scratch.path("file"), O_WRONLY | O_APPEND, error);
  CHECK(file >= 0);
  close(file);
  const std::pair<std::string, const char*> refused[] = {
      {scratch.path("link"), "is a link, expected a regular file"},
      {scratch.path("pipe"), "is not a regular file"},
      {"/dev/null", "is not a regular file"},
      {scratch.path("none"), "No such file or directory"}};
  for (const auto& [path, why] : refused) {
    CHECK(open_own_file(path, O_WRONLY, error) < 0);
    CHECK(error == why);
  }
  CHECK(read_text(scratch.path("file")).bytes == "text");
  CHECK(read_text(scratch.path("file"), 3).error == "has 4 bytes, expected at most 3");
  CHECK(read_text(scratch.path("pipe")).error == "is not a regular file");
  CHECK(read_text("/dev/zero").error == "is not a regular file");
  CHECK(read_text(scratch.folder.string()).error == "Is a directory");
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
