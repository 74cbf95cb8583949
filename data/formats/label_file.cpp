#include "data/formats/label_file.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <set>
#include <unordered_map>

#include "data/files.h"
#include "data/formats/text_lines.h"
#include "engine/error.h"

namespace data {

namespace fs = std::filesystem;
using engine::require_data;

namespace {

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// What separates the fields of a line: a tab, or a comma, or the semicolon of spreadsheets in much of Europe;
// 0: blanks.
char separator_of(const std::string& text) {
  for (const char c : {'\t', ',', ';'})
    if (text.find(c) != std::string::npos) return c;
  return 0;
}

// The fields of a line: of CSV, where quotes may stand around a field, or separated by tabs.
std::vector<std::string> fields_of(const std::string& text, char separator) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : text) {
    if (c == '"' && separator != '\t')
      quoted = !quoted;
    else if (c == separator && !quoted)
      fields.emplace_back();
    else
      fields.back() += c;
  }
  for (std::string& field : fields) field = trimmed(field);
  return fields;
}

std::string first_word(const std::string& text) { return text.substr(0, text.find_first_of(" \t")); }

std::optional<int> number_in(const std::string& text) {
  int value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string without_ending(const std::string& file) { return fs::path(file).replace_extension().string(); }

// The files under all names that a label file may use.
class Names {
 public:
  Names(const std::vector<std::string>& files, const std::string& folder) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::string relative = fs::path(files[i]).lexically_relative(folder).string();
      const std::string own = fs::path(files[i]).filename().string();
      for (const std::string& name : {relative, own, without_ending(relative), without_ending(own)})
        if (const auto [at, added] = index_.emplace(name, i); !added && at->second != i)
          at->second = ambiguous;
    }
  }
  static constexpr std::size_t ambiguous = std::size_t(-1), none = std::size_t(-2);
  std::size_t find(const std::string& name) const {
    for (const std::string& n : {name, fs::path(name).filename().string()})
      if (const auto found = index_.find(n); found != index_.end()) return found->second;
    return none;
  }

 private:
  std::unordered_map<std::string, std::size_t> index_;
};

// The label that a class's name or number stands for.
class Classes {
 public:
  Classes(const std::vector<std::string>& names, bool from_zero)
      : count_(int(names.size())), from_zero_(from_zero) {
    for (std::size_t i = 0; i < names.size(); ++i) label_[names[i]] = int(i);
  }
  int find(const std::string& name, const std::string& word) const {
    for (const std::string& n : {name, word})
      if (const auto found = label_.find(n); found != label_.end()) return found->second;
    const std::optional<int> number = number_in(name);
    return from_zero_ && number && *number >= 0 && *number < count_ ? *number : -1;
  }

 private:
  std::unordered_map<std::string, int> label_;
  int count_;
  bool from_zero_;
};

}  // namespace

LabelFile::Row LabelFile::row_of(int line, const std::string& text, char separator) {
  std::vector<std::string> fields;
  if (separator != 0) {
    fields = fields_of(text, separator);
  } else {
    const std::string all = trimmed(text);
    fields = {first_word(all), trimmed(all.substr(first_word(all).size()))};
    if (fields[1].empty()) fields.pop_back();
  }
  if (fields.size() == 1) return {line, "", fields[0], fields[0]};
  return {line, fields[0], fields[1], first_word(fields[1])};
}

LabelFile::LabelFile(const std::string& path) : path_(path) {
  for (const auto& [number, text] : text_lines(path, "lines of FILE CLASS")) {
    if (rows_.empty()) separator_ = separator_of(text);
    const Row row = row_of(number, text, separator_ != 0 ? separator_ : separator_of(text));
    table_ |= separator_of(text) != 0;
    require_data(rows_.empty() || row.file.empty() == rows_[0].file.empty(), printable(path), " line ",
                 number, ": ", printable(text), ", expected ",
                 rows_.empty() || !rows_[0].file.empty() ? "FILE CLASS" : "a class alone",
                 ", as in the lines above");
    rows_.push_back(row);
  }
  require_data(!rows_.empty(), printable(path), " is empty, expected lines of FILE CLASS");
}

bool LabelFile::names(const std::string& file) const {
  if (rows_[0].file.empty()) return true;  // by order
  const Names one({file}, fs::path(file).parent_path().string());
  return std::ranges::any_of(rows_, [&](const Row& row) { return one.find(row.file) == 0; });
}

FileLabels LabelFile::label(const std::vector<std::string>& files, const std::string& folder,
                            std::vector<std::string> classes) const {
  const std::string who = printable(path_);
  const bool by_order = rows_[0].file.empty();
  require_data(!by_order || rows_.size() == files.size(), who, " has ", with_commas(rows_.size()),
               " lines of a class alone, expected ", with_commas(files.size()), ", one for each image of ",
               printable(folder), ", or lines of FILE CLASS");
  const Names names(by_order ? std::vector<std::string>() : files, folder);
  FileLabels result{.labels = std::vector<int>(files.size(), -1), .classes = std::move(classes)};
  std::vector<std::pair<std::size_t, const Row*>> found;
  std::set<std::string> distinct;
  bool zero = false;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    const Row& row = rows_[r];
    const std::size_t i = by_order ? r : names.find(row.file);
    require_data(i != Names::ambiguous, who, " line ", row.line, ": several images are named ",
                 printable(row.file), ", expected a path below ", printable(folder));
    if (i == Names::none) {
      result.others += r > 0 || !table_;  // the first line of a table may be its heading
      continue;
    }
    if (row.name.empty()) continue;  // a table with an empty cell: not labelled yet
    found.emplace_back(i, &row);
    distinct.insert(row.name);
    zero |= number_in(row.name) == 0;
  }
  if (result.classes.empty()) result.classes.assign(distinct.begin(), distinct.end());
  const Classes known(result.classes, zero);
  for (const auto& [i, row] : found) {
    const int label = known.find(row->name, row->word);
    require_data(
        label >= 0, who, " line ", row->line, ": there is no class ", printable(row->name), ", expected ",
        number_in(row->name) ? "the name of one of the " : "one of the ", result.classes.size(),
        " class folders of the training split",
        number_in(row->name) ? " (numbers from 1 may be ILSVRC's own, which are in another order)" : "");
    require_data(result.labels[i] < 0 || result.labels[i] == label, who, " line ", row->line, ": ",
                 printable(row->file), " has another label in a line above");
    result.labels[i] = label;
  }
  const Row& sample = rows_[rows_.size() > 1 && table_ ? 1 : 0];  // the first line may be a heading
  require_data(!found.empty(), who, " has no label of ", printable(files.empty() ? folder : files.front()),
               " or of any other of the ", counted(double(files.size()), "image"), " of ", printable(folder),
               "; line ", sample.line, " is read as the file ", printable(sample.file), " of the class ",
               printable(sample.name));
  return result;
}

}  // namespace data
