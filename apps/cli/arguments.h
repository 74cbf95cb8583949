// The words of a command line: which command they name, and the values of its options.
#pragma once

#include <string>
#include <vector>

#include "apps/cli/command_table.h"

namespace apps {

// The command, or the group of commands, that the first words name.
struct Named {
  Command* command = nullptr;  // null: only a group, or no word at all
  std::string group;
  std::size_t words = 0;  // that name it
};
// UsageError for a word that names nothing.
Named named_command(CommandTable&, const std::vector<std::string>& arguments);

// Assigns the values in `arguments`, from the word `first` on: "--batch 8", "--batch=8", "--graph". Of the
// spellings of one quantity the last one wins. Returns the names of the fields that are decided: those given,
// and other spellings of their quantity. UsageError for what is unknown, wrong, or given twice; a switch may
// be repeated, and a list grows. `operands` gets the words that belong to no flag, those of flags that are
// `passed_on`, and all that follow "--"; null: there may be none.
std::vector<std::string> assign_arguments(const std::vector<std::string>& arguments, std::size_t first,
                                          const Fields&, List* operands = nullptr,
                                          const Fields& passed_on = {});

}  // namespace apps
