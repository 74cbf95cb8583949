// One list of every command's options: flags, help, ranges and config files are all made from it.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "apps/options/options.h"

namespace apps {

constexpr double kMany = 1e15;  // a number's upper end that is none

struct Field {
  std::string name;  // of the flag, without its dashes, and of the key in a config file
  std::variant<std::string*, bool*, int*, long*, std::uint64_t*, double*> value;
  std::string help;
  std::vector<std::string> choices = {};  // of a word; empty: any text
  double low = 0, high = 0;               // of a number, both ends allowed; low == high: any
  bool automatic = false;                 // "auto" is allowed and stands for -1
  bool saved = true;  // part of a run's configuration; false: only of how it was asked for
  bool required = false;
};
using Fields = std::vector<Field>;

Fields fields(PretrainOptions&);
Fields fields(StepsOptions&);
Fields fields(CollectivesOptions&);
Fields fields(EvalOptions&);
Fields fields(KnnOptions&);
Fields fields(LinearOptions&);
Fields fields(ExportOptions&);
Fields fields(FinetuneOptions&);
Fields fields(GradcheckOptions&);
Fields fields(RacecheckOptions&);
Fields fields(BenchStepOptions&);
Fields fields(BenchOpsOptions&);
Fields fields(BenchCompareOptions&);
Fields fields(BenchTurnsOptions&);
Fields fields(PreviewOptions&);
Fields fields(DataCheckOptions&);
Fields fields(ViewsOptions&);
Fields fields(InfoOptions&);

// Gives the field the value that the text says. Returns what is wrong with it, or "".
std::string assign(const Field&, const std::string& text);
std::string text_of(const Field&);     // the text that assigns the present value
std::string range_text(const Field&);  // "cifar|imagenet", "2 to 65536" or ""

// The candidate nearest to a mistyped word, or "" if none is near (Levenshtein distance).
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates,
                         const std::string& prefix = "");  // "; did you mean --batch?" or ""

// A config file is TOML: `key = value` lines, under `[pretrain]`, `[knn]` ... for one command or before them
// for the command at hand. A number, a word, true/false; '#' begins a comment.
struct ConfigEntry {
  std::string section, key, value;
  int line;
};
std::vector<ConfigEntry> read_config(const std::string& path);

// Assigns the entries of one command. UsageError with the file and line for keys or values that are wrong;
// fields named in `except` (given as flags) keep what they have.
void apply_config(const std::string& path, const std::string& command, const Fields&,
                  const std::vector<std::string>& except = {});

// The configuration as a file that apply_config reads back to the same.
std::string config_text(const std::string& command, const Fields&);

}  // namespace apps
