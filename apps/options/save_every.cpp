#include "apps/options/save_every.h"

#include <charconv>
#include <optional>

namespace apps {
namespace {

constexpr long kMost = 1'000'000'000'000;

// Adds one part, "500" or "10m". Returns whether it is one, of a unit that `every` does not have yet.
bool add_part(const std::string& part, SaveEvery& every) {
  long count = 0;
  const char* end = part.data() + part.size();
  const auto [unit, error] = std::from_chars(part.data(), end, count);
  if (error != std::errc() || count < 1 || count > kMost) return false;
  const std::string name(unit, end);
  long& target = name.empty() ? every.steps : name == "e" ? every.epochs : every.minutes;
  if (target != 0 || (!name.empty() && name != "e" && name != "m" && name != "h")) return false;
  target = name == "h" ? 60 * count : count;
  return true;
}

std::optional<SaveEvery> parse(const std::string& text) {
  SaveEvery every;
  if (text == "0" || text == "end") return every;
  for (std::size_t at = 0, comma = 0; comma != std::string::npos; at = comma + 1) {
    comma = text.find(',', at);
    if (!add_part(text.substr(at, comma - at), every)) return std::nullopt;
  }
  return every;
}

}  // namespace

SaveEvery save_every(const std::string& text) { return parse(text).value_or(SaveEvery{}); }

std::string wrong_save_every(const std::string& text) {
  if (parse(text)) return "";
  return "is \"" + text +
         "\", expected steps (500), epochs (1e), minutes (10m) or hours (2h), several as "
         "in \"1e,10m\", or end";
}

}  // namespace apps
