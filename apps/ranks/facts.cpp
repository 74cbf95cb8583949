#include "apps/ranks/facts.h"

#include <algorithm>

#include "apps/system/machine.h"
#include "engine/error.h"

namespace apps {
namespace {

void append(std::string& all, const std::string& text) { all += std::to_string(text.size()) + ":" + text; }

std::string take(const std::string& all, std::size_t& at) {
  const std::size_t colon = all.find(':', at), size = std::stoul(all.substr(at, colon - at));
  engine::require(colon != std::string::npos && size <= all.size() - colon - 1, "facts of a rank: cut off");
  at = colon + 1 + size;
  return all.substr(colon + 1, size);
}

// The value of facts[i] if its key is the one expected there.
std::string value_at(const Facts& facts, std::size_t i, const std::string& key) {
  return i < facts.size() && facts[i].first == key ? facts[i].second : "nothing";
}

}  // namespace

Facts facts_of(const PretrainOptions& resolved, const Setting& setting) {
  PretrainOptions o = resolved;
  const Fields all = fields(o);
  Facts facts = {{"version", version_text()}, {"world size", std::to_string(setting.ranks)}};
  // Options that decide what else is compared come first, and the images before the options that follow from
  // them.
  for (const Field& f : all)
    if (f.is(o.dry_run) || f.is(o.verify_images)) facts.emplace_back(f.name, text_of(f));
  facts.emplace_back("images", setting.data + ", list " + setting.list);
  for (const Field& f : all)
    if (f.saved && !f.per_machine) facts.emplace_back(f.name, text_of(f));
  facts.emplace_back("image files", setting.files);
  return facts;
}

std::string packed(const Facts& facts) {
  std::string all;
  for (const auto& [key, value] : facts) append(all, key), append(all, value);
  return all;
}

Facts unpacked(const std::string& all) {
  Facts facts;
  for (std::size_t at = 0; at < all.size();) {
    std::string key = take(all, at);
    facts.emplace_back(std::move(key), take(all, at));
  }
  return facts;
}

std::string disagreement(const std::vector<RankFacts>& ranks) {
  const RankFacts& first = ranks[0];
  for (std::size_t r = 1; r < ranks.size(); ++r) {
    const RankFacts& other = ranks[r];
    for (std::size_t i = 0; i < std::max(first.facts.size(), other.facts.size()); ++i) {
      const std::string& key = i < other.facts.size() ? other.facts[i].first : first.facts[i].first;
      const std::string a = value_at(first.facts, i, key), b = value_at(other.facts, i, key);
      if (a != b)
        return engine::concat_text("rank ", r, " on ", other.host, " has ", key, " = ", b, ", rank 0 on ",
                                   first.host, " has ", a);
    }
  }
  return "";
}

}  // namespace apps
