#include "apps/sweep/variations.h"

#include <algorithm>

#include "apps/options/pretrain.h"
#include "engine/error.h"

namespace apps {
namespace {

using engine::UsageError;

List split(const std::string& text, char separator) {
  List parts = {""};
  for (const char c : text)
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

// The entry of an option that may be varied.
const Field& varied_field(const Fields& all, const PretrainOptions& o, const std::string& key,
                          const std::string& place) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Field& f) { return f.name == key; });
  if (found == all.end())
    throw UsageError(place + "pretrain has no option --" + key + did_you_mean(key, names_of(all)));
  if (found->is(o.run)) throw UsageError(place + "the sweep itself names the folder of each cell");
  if (found->is(o.seed)) throw UsageError(place + "the seeds are varied by --seeds N");
  if (!found->saved)
    throw UsageError(place + "--" + key + " is for one start of a run, expected an option that a run keeps");
  return *found;
}

// The text of the value as its entry writes it.
std::string checked(const Field& f, const std::string& value, const std::string& place) {
  if (value.empty()) throw UsageError(place + f.name + " has an empty value");
  const std::string wrong = assign(f, value);
  if (!wrong.empty()) throw UsageError(place + f.name + " " + wrong);
  return text_of(f);
}

Variation parse_variation(const std::string& text) {
  const std::string place = "--vary " + text + ": ";
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) throw UsageError(place + "expected KEY=V1,V2,...");
  PretrainOptions o;
  const Fields all = fields(o);
  Variation v{.options = split(text.substr(0, equals), '+'), .values = {}};
  for (const std::string& value : split(text.substr(equals + 1), ',')) {
    const List parts = v.options.size() == 1 ? List{value} : split(value, '+');
    if (parts.size() != v.options.size())
      throw UsageError(engine::concat_text(place, "\"", value, "\" has ", parts.size(), " of ",
                                           v.options.size(), " values, expected V+V for each + of the keys"));
    List checked_parts;
    for (std::size_t i = 0; i < parts.size(); ++i)
      checked_parts.push_back(checked(varied_field(all, o, v.options[i], place), parts[i], place));
    if (std::find(v.values.begin(), v.values.end(), checked_parts) != v.values.end())
      throw UsageError(place + value + " is given twice");
    v.values.push_back(checked_parts);
  }
  return v;
}

// One option can't be varied twice, nor two spellings of one quantity (--epochs and --steps).
void require_distinct(const std::vector<Variation>& all) {
  PretrainOptions o;
  const Fields known = fields(o);
  List seen;
  for (const std::string& name : varied_options(all)) {
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      throw UsageError("--vary: " + name + " is varied twice");
    seen.push_back(name);
    const auto own = std::find_if(known.begin(), known.end(), [&](const Field& f) { return f.name == name; });
    for (const Field& other : other_spellings(known, *own)) seen.push_back(other.name);
  }
}

}  // namespace

std::vector<Variation> parse_variations(const List& texts) {
  std::vector<Variation> all;
  for (const std::string& text : texts) all.push_back(parse_variation(text));
  require_distinct(all);
  return all;
}

List varied_options(const std::vector<Variation>& all) {
  List names;
  for (const Variation& v : all) names.insert(names.end(), v.options.begin(), v.options.end());
  return names;
}

}  // namespace apps
