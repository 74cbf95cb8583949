// The results to expect of a training, which come with its recipe and are kept in the run as expected.json.
#pragma once

#include <string>

namespace apps {

// The text of the file, for write_expectation(). "" for no file. DataError if it can't be read or isn't of
// the form that check_expected() (result_files.h) asks for.
std::string read_expectation(const std::string& path);

void write_expectation(const std::string& run, const std::string& text);  // "": keeps what the run has

}  // namespace apps
