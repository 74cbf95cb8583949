// What a sweep varies.
#pragma once

#include <string>
#include <vector>

#include "apps/options/fields.h"

namespace apps {

// Options of `dyad pretrain` that change together, and their values: those of "lr+batch=0.1+32,0.2+64" are
// {"0.1", "32"} and {"0.2", "64"}. Usually it is one option.
struct Variation {
  List options;
  std::vector<List> values;
};

// Reads the values of --vary. Each value is checked by its option's entry, and is written as that writes it
// ("0.10" is "0.1"). UsageError for what is wrong, or given twice.
std::vector<Variation> parse_variations(const List& texts);

// The names of all options that are varied.
List varied_options(const std::vector<Variation>&);

}  // namespace apps
