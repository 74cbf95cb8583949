// An option's entry: its name, the member that holds its value, help, range and properties. Flags, `--help`,
// keys of config files, config.toml, checkpoints' metadata and what ranks must agree on are all made from
// entries. Each name stands once: entries that several commands have are made by shared.h.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "models/methods/method_options.h"

namespace apps {

constexpr double kMany = 1e15;  // the upper end of a number without one

// What a resumed run does about an option that differs from the checkpoint's.
enum class Resume {
  ignored,   // nothing: the result is the same
  reported,  // continues and says so: the result differs from that of a run that never stopped
  state,     // refuses: the optimizer's state is another one
  model,     // refuses: the model is another one
};

// Two ends of a range, written LOW:HIGH. Below 0: left to choose.
struct Interval {
  double low = -1, high = -1;
};

// The values of an option that may be given several times.
using List = std::vector<std::string>;

struct Field {
  std::string name;  // of the flag, without its dashes, and of the key in a config file
  std::variant<std::string*, bool*, int*, long*, std::uint64_t*, double*, Interval*, models::TauOption*,
               List*>
      value;
  std::string help;
  std::vector<std::string> choices = {};  // of a word; empty: any text
  std::vector<std::string> offered = {};  // by a shell's completion, where any text is allowed
  std::string (*wrong)(const std::string& word) = nullptr;  // what is wrong with a word, or ""
  double low = 0, high = 0;  // of a number or interval, both ends allowed; low == high: any
  bool automatic = false;    // "auto" is allowed and stands for -1
  bool required = false;
  bool saved = true;           // in config.toml; false: for this start of the run only
  bool per_machine = false;    // ranks may have different values
  bool result = false;         // a file that the result is written to; "-" is stdout
  bool output = false;         // another file that is written
  bool made_folder = false;    // a folder that the command makes
  bool beside_config = false;  // a file whose name in a config file is relative to that file's folder
  Resume resume = Resume::ignored;
  std::string absent = {};  // the value for which checkpoints have no key: the option is newer than they are
  std::string group = "";   // heading in --help
  // Options with the same word here are spellings of one quantity: the one that is given last counts.
  std::string quantity = {};

  // Whether this is the entry of that member.
  template <class T>
  bool is(const T& member) const {
    const auto* own = std::get_if<T*>(&value);
    return own != nullptr && *own == &member;
  }
};
using Fields = std::vector<Field>;

// The same entries under a heading. `resume` is for those that have no rule of their own.
Fields group(const std::string& heading, Fields, Resume resume = Resume::ignored);
Fields joined(const std::vector<Fields>&);

// The entry of a member, which must have one.
template <class T>
Field& entry_of(Fields& fields, const T& member) {
  std::size_t i = 0;
  while (!fields.at(i).is(member)) ++i;
  return fields[i];
}

// Sets the field to the value that the text names; a list has one value more. Returns what is wrong with the
// text, or "".
std::string assign(const Field&, const std::string& text);
// The other spellings of the field's quantity.
Fields other_spellings(const Fields&, const Field&);
inline bool is_switch(const Field& f) { return std::holds_alternative<bool*>(f.value); }
inline bool is_list(const Field& f) { return std::holds_alternative<List*>(f.value); }
std::string text_of(const Field&);     // the text that assigns the present value; of a list, for people
std::string range_text(const Field&);  // "cifar|imagenet", "2 to 65536", "LOW:HIGH, 0 to 1" or ""
std::vector<std::string> names_of(const Fields&);

// The candidate nearest to a mistyped word, or "" if none is near (Levenshtein distance).
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates,
                         const std::string& prefix = "");  // "; did you mean --batch?" or ""

}  // namespace apps
