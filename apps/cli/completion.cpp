#include "apps/cli/completion.h"

#include <algorithm>

namespace apps {
namespace {

using Words = std::vector<std::string>;

std::string spaced(const Words& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// The commands to complete, each with all its fields; the fields' values are not used.
struct Completed {
  std::string name, help;
  Fields fields;
  bool files;  // among the words that belong to no option
};
std::vector<Completed> completed(const CommandTable& table) {
  std::vector<Completed> all;
  GeneralOptions general;
  for (const Command& c : table.commands)
    if (!c.hidden)
      all.push_back({c.name, c.help, joined({c.fields, general_fields(general, c), c.passed_on}),
                     c.operands != nullptr});
  return all;
}

// What may follow `group` (or, if that is "", `dyad`): a word and its help.
std::vector<std::pair<std::string, std::string>> next_words(const CommandTable& table,
                                                            const std::string& group) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const Command& c : table.commands) {
    if (c.hidden) continue;
    const bool grouped = c.name.find(' ') != std::string::npos;
    if (group.empty() ? !grouped : c.name.starts_with(group + " ")) all.emplace_back(section_of(c), c.help);
  }
  if (!group.empty()) return all;
  for (const Group& g : table.groups) all.emplace_back(g.name, g.help);
  all.emplace_back("help", "Print the options of a command");
  return all;
}

bool takes_files(const Field& f) {
  return std::holds_alternative<std::string*>(f.value) && f.choices.empty();
}

Words values_of(const Field& f) {
  Words values = f.choices.empty() ? f.offered : f.choices;
  if (f.automatic) values.push_back("auto");
  return values;
}

Words flags_of(const Fields& fields) {
  Words flags;
  for (const auto& name : names_of(fields)) flags.push_back("--" + name);
  return flags;
}

std::string first_words(const CommandTable& table, const std::string& group) {
  Words words;
  for (const auto& [word, help] : next_words(table, group)) words.push_back(word);
  words.push_back("--help");
  if (group.empty()) words.push_back("--version");
  return spaced(words);
}

}  // namespace

std::string bash_completion(const CommandTable& table) {
  std::string s = R"(# Completes dyad's command line in bash; made by `dyad completion bash`.
_dyad() {
  local word=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
  local words='' files=0 at=2
  if [[ $word == = ]]; then word=''; fi  # --flag=value comes as three words
  if [[ $flag == = ]]; then flag=${COMP_WORDS[COMP_CWORD - 2]}; fi
  if ((COMP_CWORD == 1)); then command=''; fi
  case $command in
)";
  for (const Group& g : table.groups)
    s += "    " + g.name + ") if ((COMP_CWORD > 2)); then command+=\" ${COMP_WORDS[2]}\" at=3; fi ;;\n";
  s += R"(  esac
  if ((COMP_CWORD > at)) && [[ $flag == --* ]]; then
    case "$command $flag" in
)";
  for (const Completed& c : completed(table))
    for (const Field& f : c.fields)
      if (!is_switch(f))
        s += "      '" + c.name + " --" + f.name + "') words='" + spaced(values_of(f)) +
             "' files=" + (takes_files(f) ? "1" : "0") + " ;;\n";
  s += R"(      *) flag='' ;;  # has no value
    esac
  else
    flag=''
  fi
  if [[ $flag == '' ]]; then
    case $command in
      '') words=')" +
       first_words(table, "") + "' ;;\n";
  s += "      help) words='" + first_words(table, "") + "' ;;\n";
  for (const Group& g : table.groups)
    s += "      " + g.name + ") words='" + first_words(table, g.name) + "' ;;\n";
  for (const Completed& c : completed(table))
    s += "      '" + c.name + "') words='" + spaced(flags_of(c.fields)) + "'" + (c.files ? " files=1" : "") +
         " ;;\n";
  s += R"(    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"; if ((files)); then compgen -f -- "$word"; fi)
  if ((files)); then compopt -o filenames 2>/dev/null; fi
}
complete -F _dyad dyad
)";
  return s;
}

namespace {

// In single quotes, within which zsh's _arguments gives [ ] : a meaning.
std::string zsh_text(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return replaced(escaped, "'", "'\\''");
}

std::string zsh_choice(const std::string& variable, const CommandTable& table, const std::string& group) {
  std::string s = "    local -a " + variable + "=(\n";
  for (const auto& [word, help] : next_words(table, group))
    s += "      '" + word + ":" + zsh_text(help) + "'\n";
  return s + "    )\n    _describe command " + variable + "\n    return\n";
}

}  // namespace

std::string zsh_completion(const CommandTable& table) {
  std::string s =
      "#compdef dyad\n# Completes dyad's command line in zsh; made by `dyad completion zsh`.\n_dyad() {\n";
  s += "  local command=$words[2]\n  if ((CURRENT == 2)); then\n" + zsh_choice("commands", table, "") +
       "  fi\n";
  for (const Group& g : table.groups)
    s += "  if [[ $command == " + g.name + " ]] && ((CURRENT == 3)); then\n" +
         zsh_choice(g.name + "_commands", table, g.name) + "  fi\n";
  s += "  case $command in\n    (";
  for (const Group& g : table.groups) s += (g.name == table.groups[0].name ? "" : "|") + g.name;
  s += ") command+=\" $words[3]\"; shift 2 words; ((CURRENT -= 2)) ;;\n    (*) shift words; ((CURRENT--)) "
       ";;\n  esac\n"
       "  case $command in\n";
  for (const Completed& c : completed(table)) {
    s += "    ('" + c.name + "') _arguments";
    for (const Field& f : c.fields) {
      s += " \\\n      '--" + f.name + (is_switch(f) ? "" : "=") + "[" + zsh_text(f.help) + "]";
      const Words values = values_of(f);
      if (!is_switch(f)) s += ":" + f.name + ":";
      if (takes_files(f) && values.empty())
        s += "_files";
      else if (takes_files(f))
        s += "{compadd -- " + spaced(values) + "; _files}";
      else if (!values.empty())
        s += "(" + spaced(values) + ")";
      s += "'";
    }
    s += std::string(c.files ? " \\\n      '*:run:_files'" : "") + " ;;\n";
  }
  return s + "  esac\n}\n_dyad \"$@\"\n";
}

std::string fish_completion(const CommandTable& table) {
  const auto quoted = [](const std::string& text) {
    return "'" + replaced(replaced(text, "\\", "\\\\"), "'", "\\'") + "'";
  };
  std::string s = R"(# Completes dyad's command line in fish; made by `dyad completion fish`.
function __dyad_is -d 'Whether the command line begins with these words after dyad'
    set -l words (commandline -opc)
    set -l last (math (count $argv) + 1)
    test "$words[2..$last]" = "$argv"
end
function __dyad_next -d 'Whether the word after these words is completed'
    test (count (commandline -opc)) -eq (math (count $argv) + 1); and __dyad_is $argv
end
complete -c dyad -f
complete -c dyad -n 'test (count (commandline -opc)) -eq 1' -l version -d 'Print the version'
)";
  const auto words_after = [&](const std::string& group) {
    const std::string condition =
        group.empty() ? "test (count (commandline -opc)) -eq 1" : "__dyad_next " + group;
    for (const auto& [word, help] : next_words(table, group))
      s += "complete -c dyad -n '" + condition + "' -a " + word + " -d " + quoted(help) + "\n";
  };
  words_after("");
  for (const Group& g : table.groups) words_after(g.name);
  for (const Completed& c : completed(table)) {
    if (c.files) s += "complete -c dyad -n '__dyad_is " + c.name + "' -F\n";
    for (const Field& f : c.fields) {
      s += "complete -c dyad -n '__dyad_is " + c.name + "' -l " + f.name;
      if (takes_files(f))
        s += " -r -F";
      else if (!is_switch(f))
        s += " -x";
      if (!values_of(f).empty()) s += " -a " + quoted(spaced(values_of(f)));
      s += " -d " + quoted(f.help) + "\n";
    }
  }
  return s;
}

}  // namespace apps
