// Config files are TOML: `key = value` lines, under `[pretrain]`, `[knn]` ... for one command or before them
// for any command. A value is a number, a quoted word or true/false; '#' begins a comment.
#pragma once

#include <string>
#include <vector>

#include "apps/options/fields.h"

namespace apps {

// Assigns the entries of one command. UsageError with file and line for a wrong key or value. Fields named in
// `except` (those given as flags) keep their values. `sections`: those that a file may have; empty: any.
// Returns the names of the fields that the file decides: those it has, and other spellings of their quantity.
std::vector<std::string> apply_config(const std::string& path, const std::string& command, const Fields&,
                                      const std::vector<std::string>& except = {},
                                      const std::vector<std::string>& sections = {});

// The configuration as a file from which apply_config reads the same values.
std::string config_text(const std::string& command, const Fields&);

}  // namespace apps
