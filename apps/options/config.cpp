// Config files are read line by line, so that every error names its line.
#include "apps/options/config.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <sstream>

#include "engine/error.h"
#include "engine/escape.h"
#include "engine/files/file_kind.h"
#include "engine/files/text_file.h"

namespace apps {
namespace {

using engine::concat_text;
using engine::UsageError;

struct ConfigEntry {
  std::string section, key, value;
  int line;
};

std::string trim(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool only_comment(const std::string& rest) { return trim(rest).empty() || trim(rest)[0] == '#'; }

bool is_hex(const std::string& text, std::size_t i) {
  return i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
}

// "basic" with the escapes that parse_value() knows: on one line, in UTF-8, whatever the value is.
std::string quoted_value(const std::string& value) {
  std::string text;
  for (const char c : value) text += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return '"' + engine::shown(text) + '"';
}

// One TOML value: "basic" with escapes, 'literal', or bare (number, true, false).
std::string parse_value(const std::string& text, const std::string& place) {
  std::string value;
  if (text[0] == '\'') {
    const auto end = text.find('\'', 1);
    if (end == std::string::npos || !only_comment(text.substr(end + 1)))
      throw UsageError(place + ": " + text + ": the quoted text does not end with its line");
    return text.substr(1, end - 1);
  }
  if (text[0] == '"') {
    std::size_t i = 1;
    for (; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] == '\\' && i + 1 < text.size()) {
        ++i;
        if (text[i] == 'x' && is_hex(text, i + 1) && is_hex(text, i + 2)) {
          value += char(std::stoi(text.substr(i + 1, 2), nullptr, 16));
          i += 2;
          continue;
        }
        if (text[i] != '"' && text[i] != '\\')
          throw UsageError(
              concat_text(place, ": \\", text[i], ": the escapes known are \\\", \\\\ and \\xNN"));
      }
      value += text[i];
    }
    if (i >= text.size() || !only_comment(text.substr(i + 1)))
      throw UsageError(place + ": " + text + ": the quoted text does not end with its line");
    return value;
  }
  value = trim(text.substr(0, text.find('#')));
  const auto digit_or_word = [](const std::string& v) {
    return v == "true" || v == "false" || v.find_first_not_of("+-0123456789.eE_") == std::string::npos;
  };
  if (!digit_or_word(value))
    throw UsageError(place + ": " + value + ": text stands in quotes: \"" + value + "\"");
  value.erase(std::remove(value.begin(), value.end(), '_'), value.end());
  if (value[0] == '+') value.erase(0, 1);
  return value;
}

std::vector<ConfigEntry> read_config(const std::string& path, const std::vector<std::string>& sections) {
  constexpr std::size_t most_bytes = 16 << 20;
  const engine::FileText whole = engine::read_text(path, most_bytes);
  if (!whole.read())
    throw UsageError("config file " + path + ": can't be read: " + whole.error +
                     (path.find("recipes/") != path.npos ? "; dyad recipes lists those that there are" : ""));
  std::istringstream file(whole.bytes);
  if (const std::string kind = engine::file_kind_of(path); !kind.empty())
    throw UsageError("config file " + path + ": is " + kind + ", expected a text of key = value lines");
  std::vector<ConfigEntry> entries;
  std::map<std::pair<std::string, std::string>, int> line_of;  // by section and key
  std::string section, line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string place = concat_text(path, " line ", number), text = trim(line);
    if (only_comment(text)) continue;
    if (text[0] == '[') {
      const auto end = text.find(']');
      if (end == std::string::npos || !only_comment(text.substr(end + 1)))
        throw UsageError(place + ": " + text + ", expected [section]");
      section = trim(text.substr(1, end - 1));
      if (!sections.empty() && std::find(sections.begin(), sections.end(), section) == sections.end())
        throw UsageError(place + ": unknown section [" + section + "]" + did_you_mean(section, sections));
      continue;
    }
    const auto equals = text.find('=');
    const std::string key = trim(text.substr(0, equals));
    if (equals == std::string::npos || key.empty() || trim(text.substr(equals + 1)).empty())
      throw UsageError(place + ": " + text + ", expected key = value");
    if (const auto [first, added] = line_of.emplace(std::pair(section, key), number); !added)
      throw UsageError(concat_text(place, ": ", key, " is set on line ", first->second, " already"));
    entries.push_back({section, key, parse_value(trim(text.substr(equals + 1)), place), number});
  }
  return entries;
}

}  // namespace

std::vector<std::string> apply_config(const std::string& path, const std::string& command,
                                      const Fields& fields, const std::vector<std::string>& except,
                                      const std::vector<std::string>& sections) {
  std::vector<std::string> decided;
  for (const auto& e : read_config(path, sections)) {
    if (!e.section.empty() && e.section != command) continue;
    std::string key = e.key;
    std::replace(key.begin(), key.end(), '_', '-');
    const std::string place = concat_text(path, " line ", e.line, ": ");
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == key; });
    if (field == fields.end())
      throw UsageError(place + "unknown key " + e.key + did_you_mean(key, names_of(fields)));
    if (std::find(except.begin(), except.end(), key) != except.end()) continue;
    const bool beside = field->beside_config && !e.value.empty();
    const std::string wrong =
        assign(*field, beside ? (std::filesystem::path(path).parent_path() / e.value).string() : e.value);
    if (!wrong.empty()) throw UsageError(place + e.key + " " + wrong);
    decided.push_back(key);
    for (const Field& f : other_spellings(fields, *field)) decided.push_back(f.name);
  }
  return decided;
}

std::string config_text(const std::string& command, const Fields& fields) {
  std::string text = "[" + command + "]\n";
  for (const auto& f : fields) {
    if (!f.saved) continue;
    std::string value = text_of(f);
    const auto* tau = std::get_if<models::TauOption*>(&f.value);
    const bool word = (tau != nullptr && (*tau)->learned) || std::holds_alternative<std::string*>(f.value) ||
                      std::holds_alternative<Interval*>(f.value) || value == "auto";
    if (word) value = quoted_value(value);
    text += f.name + " = " + value + "\n";
  }
  return text;
}

}  // namespace apps
