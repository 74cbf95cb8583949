// Every check of engine/check/card_checks.h over the cards of a program, and in a sanitizer's build what the
// sanitizer says.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace apps {

struct CheckCardsOptions {
  std::string op = ".*", check = ".*";  // regular expressions over the names of cards and checks
  bool list = false;                    // print the names of the cards, and stop
  std::uint64_t seed = 0;
  bool strict = false;   // a shuffle from a lane that takes no part is an error even if its value is not used
  unsigned limit = 300;  // seconds for one check of one card at one shape
  std::string junit = "";  // file that receives the results
};

// Prints a line for each card, below it what is wrong, and last `N passed, N failed`. Returns 0 if all
// passed, else 1.
int check_cards(const CheckCardsOptions&);

}  // namespace apps
