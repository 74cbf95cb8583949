#include "apps/cli/arguments.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <map>

#include "engine/error.h"

namespace apps {
namespace {

using engine::UsageError;

// A negative number is a value, not a flag.
bool is_flag(const std::string& word) {
  return word.size() > 1 && word[0] == '-' &&
         (word[1] == '-' || std::isalpha(static_cast<unsigned char>(word[1])));
}

std::string first_word(const std::string& name) { return name.substr(0, name.find(' ')); }

std::vector<std::string> first_words(const CommandTable& table) {
  std::vector<std::string> words;
  for (const Command& c : table.commands)
    if (std::find(words.begin(), words.end(), first_word(c.name)) == words.end())
      words.push_back(first_word(c.name));
  return words;
}

Command* find_command(CommandTable& table, const std::string& name) {
  const auto found = std::find_if(table.commands.begin(), table.commands.end(),
                                  [&](const Command& c) { return c.name == name; });
  return found == table.commands.end() ? nullptr : &*found;
}

// What other programs call what a command of dyad does.
struct Pointer {
  const char *words, *to;  // words: between blanks
};
constexpr Pointer other_words[] = {
    {" report ", "the report is written by pretrain and eval: RUN/report.html"},
    {" train fit learn ", "dyad pretrain learns an encoder, dyad linear and dyad finetune a classifier"},
    {" embeddings encode extract features ", "dyad embed --data DIR writes the features of images"},
    {" test evaluate predict validate score ", "dyad eval evaluates a run"},
    {" resume continue ", "dyad pretrain --run RUN --resume auto continues a run"},
    {" inspect describe summary status ", "dyad show RUN shows what a run or a checkpoint holds"},
    {" neighbours neighbors similar query retrieve ", "dyad search finds the images most similar to one"},
    {" dedup deduplicate duplicates outliers ", "dyad curate lists near duplicates, outliers and a subset"},
    {" version ", "dyad --version prints the version"},
};

// Where to find what a word means: a command of another name, or one of a group.
std::string pointer_from(const std::string& word, const CommandTable& table) {
  for (const Pointer& p : other_words)
    if (std::string(p.words).find(" " + word + " ") != std::string::npos) return std::string("; ") + p.to;
  for (const Command& c : table.commands) {
    std::string joined = c.name, dashed = c.name;
    std::erase(joined, ' ');
    std::ranges::replace(dashed, ' ', '-');
    if (c.name != word && (section_of(c) == word || joined == word || dashed == word))
      return "; did you mean dyad " + c.name + "?";
  }
  return "";
}

[[noreturn]] void unknown_command(const std::string& word, const std::vector<std::string>& known,
                                  const CommandTable& table) {
  const std::string pointer = pointer_from(word, table);
  throw UsageError("unknown command \"" + word + "\"" +
                   (pointer.empty() ? did_you_mean(word, known) : pointer));
}

const Field* find_flag(const std::string& flag, const Fields& fields) {
  const std::string name = flag == "-h" ? "--help" : flag;
  const auto found = std::ranges::find_if(fields, [&](const Field& f) { return "--" + f.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

[[noreturn]] void unknown_flag(const std::string& flag, const Fields& fields) {
  std::vector<std::string> known;
  for (const Field& f : fields) known.push_back("--" + f.name);
  std::vector<std::string> begin_so;  // -v: there are no short flags but -h
  std::ranges::copy_if(known, std::back_inserter(begin_so),
                       [&](const std::string& own) { return flag.size() == 2 && own[2] == flag[1]; });
  if (begin_so.size() == 1) throw UsageError("unknown flag " + flag + "; did you mean " + begin_so[0] + "?");
  throw UsageError("unknown flag " + flag + did_you_mean(flag, known));
}

// The option that a folder or a file may be meant for.
std::string option_for(const std::string& word, const Fields& fields) {
  std::error_code none;
  if (!std::filesystem::exists(word, none)) return "";
  const auto images = std::ranges::find(fields, "data", &Field::name);
  return images == fields.end() ? "" : "; did you mean --" + images->name + " " + word + "?";
}

}  // namespace

Named named_command(CommandTable& table, const std::vector<std::string>& arguments) {
  if (arguments.empty() || is_flag(arguments[0])) return {};
  const std::string& word = arguments[0];
  if (Command* c = find_command(table, word)) return {c, "", 1};
  std::vector<std::string> below;  // second words of the group's commands
  for (const Command& c : table.commands)
    if (c.name.starts_with(word + " ")) below.push_back(section_of(c));
  if (below.empty()) unknown_command(word, first_words(table), table);
  if (arguments.size() == 1 || is_flag(arguments[1])) return {nullptr, word, 1};
  if (Command* c = find_command(table, word + " " + arguments[1])) return {c, word, 2};
  unknown_command(arguments[1], below, table);
}

std::vector<std::string> assign_arguments(const std::vector<std::string>& arguments, std::size_t first,
                                          const Fields& fields, List* operands, const Fields& passed_on) {
  std::vector<std::string> given;
  std::map<std::string, std::string> values;  // by field
  for (std::size_t i = first; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    const auto equals = word.find('=');
    const std::string flag = word.substr(0, equals);
    if (operands != nullptr && word == "--") {
      operands->insert(operands->end(), arguments.begin() + std::ptrdiff_t(i) + 1, arguments.end());
      break;
    }
    if (!is_flag(word)) {
      if (operands == nullptr)
        throw UsageError("unexpected argument \"" + flag + "\"" + option_for(word, fields));
      operands->push_back(word);
      continue;
    }
    const Field* const known = find_flag(flag, fields);
    if (known == nullptr && find_flag(flag, passed_on) != nullptr) {
      operands->push_back(word);
      continue;
    }
    if (known == nullptr) unknown_flag(flag, joined({fields, passed_on}));
    const Field& field = *known;
    const bool on_or_off = is_switch(field), last = i + 1 == arguments.size();
    std::string value;
    if (equals != std::string::npos)
      value = word.substr(equals + 1);
    else if (!last && !(on_or_off && is_flag(arguments[i + 1])))
      value = arguments[++i];
    if (on_or_off && value.empty()) value = "true";
    if (value.empty() && (last || equals != std::string::npos)) throw UsageError(word + " is given no value");
    const auto [before, is_new] = values.emplace(field.name, value);
    if (!is_new && !on_or_off && !is_list(field))
      throw UsageError(flag + " is given twice: " + before->second + " and " + value);
    const std::string wrong = assign(field, value);
    if (!wrong.empty()) throw UsageError(flag + " " + wrong);
    given.push_back(field.name);
    for (const Field& other : other_spellings(fields, field)) {
      if (other.automatic) assign(other, "auto");
      given.push_back(other.name);
    }
  }
  return given;
}

}  // namespace apps
