// `--json -`: the result is written to stdout, and the text for people to stderr.
#pragma once

#include <string>

namespace apps {

// While one exists, what is printed to stdout appears on stderr, and write_to_stdout() writes to stdout.
class ResultOnStdout {
 public:
  ResultOnStdout();
  ~ResultOnStdout();
  ResultOnStdout(const ResultOnStdout&) = delete;
  ResultOnStdout& operator=(const ResultOnStdout&) = delete;
};

void restore_stdout();  // for a child process that becomes another program, which has the same --json -

// Opens those of stdin, stdout and stderr that the parent has closed on /dev/null, before any other file is:
// otherwise the first file of a run would be stderr, and get what is said to people.
void open_standard_descriptors();

void write_to_stdout(const std::string& text);  // std::runtime_error if not all of it can be written

// Why no file can be written there; "" if one can. An existing file that is write-protected is not replaced.
std::string hindrance(const std::string& file);

}  // namespace apps
