#include "apps/cli/cli.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <ostream>

#include "apps/cli/arguments.h"
#include "apps/cli/command_table.h"
#include "apps/cli/help.h"
#include "apps/options/config.h"
#include "apps/ranks/ranks.h"
#include "apps/system/exit_code.h"
#include "apps/system/machine.h"
#include "apps/system/result_output.h"
#include "apps/system/signals.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"

namespace apps {
namespace {

using engine::UsageError;

void require_all(const Fields& fields) {
  for (const Field& f : fields) {
    if (!f.required || !text_of(f).empty()) continue;
    std::string meaning = f.help;
    meaning[0] = char(std::tolower(static_cast<unsigned char>(meaning[0])));
    throw UsageError("--" + f.name + " is missing: " + meaning);
  }
}

// Before the work, so that no result is lost after it. The folder of a new run is made later.
void require_writable_outputs(const Fields& fields) {
  const auto made = std::ranges::find(fields, true, &Field::made_folder);
  std::map<std::string, std::string> written;  // the option of each file
  for (const Field& f : fields) {
    const std::string file = text_of(f);
    if (!(f.result || f.output) || file.empty() || (f.result && file == "-")) continue;
    if (made != fields.end() && file.starts_with(text_of(*made) + "/")) continue;
    if (const auto [first, added] = written.emplace(file, f.name); !added && !engine::writes_in_place(file))
      throw UsageError("--" + f.name + " and --" + first->second + " name the same file, " + file);
    if (const std::string wrong = hindrance(file); !wrong.empty())
      throw UsageError("--" + f.name + ": can't be written: " + wrong);
  }
}

int run_command(const Command& c, const std::vector<std::string>& arguments, std::size_t first,
                const std::vector<std::string>& sections, std::ostream& out) {
  GeneralOptions general;
  const std::string help = help_of(c);  // while every value is its default
  auto given = assign_arguments(arguments, first, joined({c.fields, general_fields(general, c)}), c.operands,
                                c.passed_on);
  if (general.help) return out << help << std::flush, kOk;
  // The command line wins over --config, and both win over what is stored.
  const auto read = [&](const std::string& file) {
    if (file.empty()) return;
    const auto more = apply_config(file, section_of(c), c.fields, given, sections);
    given.insert(given.end(), more.begin(), more.end());
  };
  read(general.config);
  if (c.stored) read(c.stored());
  require_all(c.fields);
  require_writable_outputs(c.fields);
  std::optional<ResultOnStdout> redirected;
  if (std::any_of(c.fields.begin(), c.fields.end(),
                  [](const Field& f) { return f.result && text_of(f) == "-"; }))
    redirected.emplace();
  return c.run();
}

// `dyad help data check` is `dyad data check --help`.
std::vector<std::string> without_help(std::vector<std::string> arguments) {
  if (arguments.empty() || arguments[0] != "help") return arguments;
  arguments.erase(arguments.begin());
  arguments.emplace_back("--help");
  return arguments;
}

// A line that names no command: only its help or the version can be asked for. A group alone lists its
// commands.
int run_without_command(const CommandTable& table, const Named& named,
                        const std::vector<std::string>& arguments, std::ostream& out) {
  GeneralOptions general;
  bool version = false;
  Fields fields = general_fields(general, {});
  if (named.group.empty())
    fields.push_back({.name = "version", .value = &version, .help = "Print the version"});
  if (named.words < arguments.size())  // the first flag decides
    assign_arguments({arguments[named.words]}, 0, fields);
  const bool group_alone = !named.group.empty() && named.words == arguments.size();
  if (!general.help && !version && !group_alone) throw UsageError("no command is given; --help lists them");
  out << (version ? version_text() + "\n" : help_of(table, named.group)) << std::flush;
  return kOk;
}

}  // namespace

int run_command_line(const std::vector<std::string>& given, std::ostream& out, std::ostream& err) {
  std::string speaker = "dyad";
  try {
    const std::vector<std::string> arguments = without_help(given);
    CommandTable table = command_table();
    const Named named = named_command(table, arguments);
    if (named.command == nullptr) return run_without_command(table, named, arguments, out);
    speaker += " " + named.command->name;
    const SayStopped say_stopped(is_first_launched() ? speaker : "");
    return run_command(*named.command, arguments, named.words, sections_of(table), out);
  } catch (const std::exception& e) {
    err << speaker + ": " + name_in_error() + message_of(e) + "\n"
        << std::flush;  // whole, beside other ranks' lines
    return exit_code_of(e);
  }
}

}  // namespace apps
