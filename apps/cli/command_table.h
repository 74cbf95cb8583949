// One table of all commands. The command line, `--help`, sections of config files, shell completion and the
// man page are made from it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/options/fields.h"

namespace apps {

struct Command {
  std::string name;  // "pretrain", "data preview"
  std::string help;  // a sentence without its full stop
  Fields fields;     // its options; `run` owns their values
  std::function<int()> run;
  std::function<std::string()> stored = {};  // file with values for what is not given; "": none
  bool hidden = false;                       // not in help or completion
  bool section = true;              // config files may have one for its options, and --config reads it
  List* operands = nullptr;         // words that belong to no option; null: it takes none
  Fields passed_on = {};            // options of another command, whose flags and values are operands
  std::string usage = "[options]";  // what follows its name
};

struct Group {
  std::string name, help;  // "data": commands named "data ..."
};

struct CommandTable {
  std::vector<Command> commands;
  std::vector<Group> groups;
};
CommandTable command_table();

// What each command can be given besides its own options.
struct GeneralOptions {
  std::string config;
  bool help = false;
};
Fields general_fields(GeneralOptions&, const Command&);  // --config only if it reads a section

// The sections of config files: the last words of the commands' names.
std::string section_of(const Command&);
std::vector<std::string> sections_of(const CommandTable&);

}  // namespace apps
