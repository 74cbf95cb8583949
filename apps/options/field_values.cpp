// Fields: lists of them, the text of a value, and what is wrong with a text.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "apps/options/fields.h"

namespace apps {
namespace {

template <class Number>
bool parse_number(const std::string& text, Number& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

// Shortest text that reads back to the same number.
template <class Number>
std::string number_text(Number value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

// A percentage given for a share: "; a share, not a percentage: did you mean 0.1?"
std::string share_hint(const Field& f, double value) {
  const bool share = f.low >= 0 && f.high == 1, percentage = value >= 1 && value <= 100;
  return share && percentage
             ? "; it is a share, not a percentage: did you mean " + number_text(value / 100) + "?"
             : "";
}

template <class Number>
std::string assign_number(const Field& f, Number& target, const std::string& text) {
  if (f.automatic && text == "auto") {
    target = Number(-1);
    return "";
  }
  const std::string expected = range_text(f);
  Number value{};
  if (text.ends_with('%') && f.low >= 0 && f.high == 1)
    if (double percent = 0; parse_number(text.substr(0, text.size() - 1), percent))
      return "is " + text + ", expected " + expected + share_hint(f, percent);
  if (!parse_number(text, value) || !std::isfinite(double(value)))
    return "is \"" + text + "\", expected " +
           (expected.empty() ? std::is_floating_point_v<Number> ? "a number" : "a whole number" : expected);
  if (f.high >= kMany && double(value) > f.high)
    return "is " + text + ", expected at most " + number_text(long(f.high));
  if (f.low < f.high && (double(value) < f.low || double(value) > f.high))
    return "is " + text + ", expected " + expected + share_hint(f, double(value));
  target = value;
  return "";
}

std::string assign_interval(const Field& f, Interval& target, const std::string& text) {
  if (f.automatic && text == "auto") {
    target = {};
    return "";
  }
  Interval value;
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || !parse_number(text.substr(0, colon), value.low) ||
      !parse_number(text.substr(colon + 1), value.high) || !(value.low <= value.high) || value.low < f.low ||
      value.high > f.high)
    return "is \"" + text + "\", expected " + range_text(f) +
           (value.low > value.high ? ", and LOW is above HIGH" : "");
  target = value;
  return "";
}

const std::string kLearn = "learn:";

// A number, or learn:NUMBER.
std::string assign_tau(const Field& f, models::TauOption& target, const std::string& text) {
  models::TauOption tau{.value = 0, .learned = text.starts_with(kLearn)};
  if (!tau.learned) {
    const std::string wrong = assign_number(f, tau.value, text);
    if (wrong.empty()) target = tau;
    return wrong;
  }
  if (!parse_number(text.substr(kLearn.size()), tau.value) || !(tau.value >= tau.least_learned) ||
      !(tau.value <= tau.most_learned))
    return "is \"" + text + "\", expected " + range_text(f);
  target = tau;
  return "";
}

}  // namespace

Fields group(const std::string& heading, Fields fields, Resume resume) {
  for (Field& f : fields) {
    f.group = heading;
    if (f.resume == Resume::ignored) f.resume = resume;
  }
  return fields;
}

Fields joined(const std::vector<Fields>& lists) {
  Fields all;
  for (const Fields& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

std::vector<std::string> names_of(const Fields& fields) {
  std::vector<std::string> names;
  for (const Field& f : fields) names.push_back(f.name);
  return names;
}

std::string range_text(const Field& f) {
  std::string text;
  for (const auto& choice : f.choices) text += (text.empty() ? "" : "|") + choice;
  if (is_switch(f)) text = "true|false";
  const auto end = [](double value) {
    return value == std::floor(value) ? number_text(static_cast<long>(value)) : number_text(value);
  };
  if (f.low < f.high) text = f.high >= kMany ? "at least " + end(f.low) : end(f.low) + " to " + end(f.high);
  if (std::holds_alternative<Interval*>(f.value)) text = "LOW:HIGH, " + text;
  if (std::holds_alternative<models::TauOption*>(f.value))
    text += ", or " + kLearn + end(models::TauOption::least_learned) + " to " + kLearn +
            end(models::TauOption::most_learned);
  return f.automatic ? text + (text.empty() ? "" : ", or ") + "auto" : text;
}

std::string assign(const Field& f, const std::string& text) {
  if (const auto* word = std::get_if<std::string*>(&f.value)) {
    if (!f.choices.empty() && std::find(f.choices.begin(), f.choices.end(), text) == f.choices.end())
      return "is \"" + text + "\", expected " + range_text(f) + did_you_mean(text, f.choices);
    if (text.find_first_of("\n\r") != std::string::npos) return "has a line break";
    if (const std::string wrong = f.wrong == nullptr ? "" : f.wrong(text); !wrong.empty()) return wrong;
    **word = text;
    return "";
  }
  if (const auto* list = std::get_if<List*>(&f.value)) {
    (*list)->push_back(text);
    return "";
  }
  if (const auto* flag = std::get_if<bool*>(&f.value)) {
    if (text != "true" && text != "false") return "is \"" + text + "\", expected true or false";
    **flag = text == "true";
    return "";
  }
  if (const std::string wrong = f.wrong == nullptr ? "" : f.wrong(text); !wrong.empty()) return wrong;
  if (const auto* ends = std::get_if<Interval*>(&f.value)) return assign_interval(f, **ends, text);
  if (const auto* tau = std::get_if<models::TauOption*>(&f.value)) return assign_tau(f, **tau, text);
  if (const auto* number = std::get_if<int*>(&f.value)) return assign_number(f, **number, text);
  if (const auto* number = std::get_if<long*>(&f.value)) return assign_number(f, **number, text);
  if (const auto* number = std::get_if<double*>(&f.value)) return assign_number(f, **number, text);
  return assign_number(f, **std::get_if<std::uint64_t*>(&f.value), text);
}

Fields other_spellings(const Fields& fields, const Field& given) {
  Fields others;
  for (const Field& f : fields)
    if (!f.quantity.empty() && f.quantity == given.quantity && f.name != given.name) others.push_back(f);
  return others;
}

std::string text_of(const Field& f) {
  if (const auto* word = std::get_if<std::string*>(&f.value)) return **word;
  if (const auto* list = std::get_if<List*>(&f.value)) {
    std::string text;
    for (const std::string& value : **list) text += (text.empty() ? "" : " ") + value;
    return text;
  }
  if (const auto* flag = std::get_if<bool*>(&f.value)) return **flag ? "true" : "false";
  if (const auto* number = std::get_if<std::uint64_t*>(&f.value)) return number_text(**number);
  if (const auto* ends = std::get_if<Interval*>(&f.value))
    return f.automatic && (*ends)->low < 0 ? "auto"
                                           : number_text((*ends)->low) + ":" + number_text((*ends)->high);
  if (const auto* tau = std::get_if<models::TauOption*>(&f.value))
    return ((*tau)->learned ? kLearn : "") + number_text((*tau)->value);
  const auto signed_text = [&f](auto number) {
    return f.automatic && number < 0 ? std::string("auto") : number_text(number);
  };
  if (const auto* number = std::get_if<int*>(&f.value)) return signed_text(**number);
  if (const auto* number = std::get_if<long*>(&f.value)) return signed_text(**number);
  return signed_text(**std::get_if<double*>(&f.value));
}

namespace {

// Whether two neighbouring letters have changed places.
bool is_swapped(const std::string& word, const std::string& other) {
  if (word.size() != other.size()) return false;
  const auto at = std::ranges::mismatch(word, other).in1 - word.begin();
  std::string swapped = word;
  if (at + 1 < std::ptrdiff_t(word.size())) std::swap(swapped[std::size_t(at)], swapped[std::size_t(at) + 1]);
  return word != other && swapped == other;
}

}  // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  std::string best;
  // A larger distance means another word.
  std::size_t least = std::max<std::size_t>(word.size() < 5 ? 2 : 3, word.size() / 2);
  for (const auto& candidate : candidates) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 0; i < word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i + 1;
      for (std::size_t j = 0; j < candidate.size(); ++j) {
        const std::size_t replaced = diagonal + (std::tolower(word[i]) != std::tolower(candidate[j]));
        diagonal = row[j + 1];
        row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
      }
    }
    const std::size_t distance = is_swapped(word, candidate) ? 1 : row.back();
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates,
                         const std::string& prefix) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? "" : "; did you mean " + prefix + near + "?";
}

}  // namespace apps
