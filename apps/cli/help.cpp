#include "apps/cli/help.h"

#include <algorithm>
#include <iterator>
#include <sstream>

namespace apps {
namespace {

constexpr std::size_t kColumns = 100;

const char* kExitCodes =
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 65 bad data, 75 stopped and can be resumed,\n"
    "130 stopped by Ctrl-C.\n";

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

// Words in lines that end before the last column. The first line begins at column `indent`, where the caller
// has left off; the others are indented.
std::string wrapped(const std::vector<std::string>& words, std::size_t indent) {
  std::string lines;
  std::size_t column = indent;
  for (const std::string& word : words) {
    if (column > indent && column + 1 + word.size() > kColumns) {
      lines += "\n" + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) lines += " ", ++column;
    lines += word;
    column += word.size();
  }
  return lines + "\n";
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

// Help and range, which stays on one line.
std::vector<std::string> meaning_of(const Field& f) {
  std::vector<std::string> words = words_of(f.help);
  if (const std::string range = range_text(f); !range.empty() && !is_switch(f))
    words.push_back("[" + range + "]");
  return words;
}

std::string default_column(const Field& f) { return f.required ? "(required)" : default_of(f); }

}  // namespace

std::string default_of(const Field& f) { return is_switch(f) ? "" : text_of(f); }

std::vector<std::string> headings_of(const Fields& fields) {
  std::vector<std::string> headings;
  for (const Field& f : fields)
    if (std::find(headings.begin(), headings.end(), f.group) == headings.end()) headings.push_back(f.group);
  return headings;
}

std::string help_of(const Command& c) {
  GeneralOptions general;
  const Fields all = joined({c.fields, general_fields(general, c)});
  std::size_t name_width = 0, default_width = 0;
  for (const Field& f : all) {
    name_width = std::max(name_width, f.name.size() + 4);
    default_width = std::max(default_width, default_column(f).size() + 2);
  }
  std::string text = c.help + ".\nUsage: dyad " + c.name + " " + c.usage + "\n";
  for (const std::string& heading : headings_of(all)) {
    text += "\n" + heading + "\n";
    for (const Field& f : all)
      if (f.group == heading)
        text += "  " + padded("--" + f.name, name_width) + padded(default_column(f), default_width) +
                wrapped(meaning_of(f), 2 + name_width + default_width);
  }
  return text;
}

std::string help_of(const CommandTable& table, const std::string& group) {
  std::string text = "dyad: SimCLR pretraining and its evaluation.\nUsage: dyad COMMAND [options]\n";
  for (const Group& g : table.groups)
    if (g.name == group) text = g.help + ".\nUsage: dyad " + group + " COMMAND [options]\n";
  text += "\nCommands\n";
  constexpr std::size_t kNameWidth = 19;
  std::string last_group;
  for (const Command& c : table.commands) {
    if (c.hidden || !(group.empty() || c.name.starts_with(group + " "))) continue;
    for (const Group& g : table.groups)
      if (group.empty() && g.name != last_group && c.name.starts_with(g.name + " ")) {
        text += "  " + padded(g.name, kNameWidth) + wrapped(words_of(g.help + ":"), 2 + kNameWidth);
        last_group = g.name;
      }
    text += "  " + padded(c.name, kNameWidth) + wrapped(words_of(c.help), 2 + kNameWidth);
  }
  text += "\nGeneral\n";
  if (group.empty())
    text += "  " + padded("help [COMMAND]", kNameWidth) + "Print this text, or the options of a command\n";
  text += "  " + padded("--help", kNameWidth) +
          (group.empty() ? "The same\n" : "Print this text, or the options of a command\n");
  if (group.empty()) text += "  " + padded("--version", kNameWidth) + "Print the version\n";
  return text + "\n" + kExitCodes;
}

}  // namespace apps
