// The results to expect of a training, which come with its recipe and are kept in the run as expected.json.
#pragma once

#include <string>

#include "apps/options/pretrain.h"

namespace apps {

struct Expectation {
  std::string text;    // of the file; "": there is none, or it is of a training with other options
  std::string unlike;  // a line that says which options differ, or ""
};

// That of --expected or, without it, the run's own. DataError if the file can't be read or isn't of the form
// that check_expected() (result_files.h) asks for; a damaged one of the run's own is the report's to name.
Expectation read_expectation(const PretrainOptions& resolved);

// Writes the run's copy; removes it if it is of a training with other options.
void keep_expectation(const std::string& run, const Expectation&);

}  // namespace apps
