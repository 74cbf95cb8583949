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

void write_to_stdout(const std::string& text);  // std::runtime_error if not all of it can be written

}  // namespace apps
