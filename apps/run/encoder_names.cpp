#include "apps/run/encoder_names.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "engine/error.h"

namespace apps {
namespace {

// The names that begin a ResNet's children, and their places in torchvision's order of children (2: ReLU, 3:
// pool).
struct Child {
  std::string_view name, place;
};
constexpr Child children[] = {{"conv1.", "0."},  {"bn1.", "1."},    {"layer1.", "4."},
                              {"layer2.", "5."}, {"layer3.", "6."}, {"layer4.", "7."}};

// Weights that follow the trained ones as a moving average.
bool is_average(const std::string& prefix) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"encoder_k", "momentum", "teacher", "target", "ema", "_m."},
      [&](std::string_view word) { return prefix.find(word) != std::string::npos; });
}

// Every prefix under which the file has the first convolution.
std::vector<EncoderNames> candidates(const engine::SafetensorsReader& file) {
  std::vector<EncoderNames> all;
  for (const engine::TensorEntry& e : file.entries())
    for (const bool sequential : {false, true}) {
      const std::string first = EncoderNames{"", sequential}.of("conv1.weight");
      if (!e.name.ends_with(first)) continue;
      const std::string prefix = e.name.substr(0, e.name.size() - first.size());
      if (prefix.empty() || prefix.ends_with('.')) all.push_back({prefix, sequential});
    }
  return all;
}

}  // namespace

std::string EncoderNames::of(const std::string& name) const {
  if (sequential)
    for (const Child& c : children)
      if (name.starts_with(c.name)) return prefix + std::string(c.place) + name.substr(c.name.size());
  return prefix + name;
}

EncoderNames encoder_names(const engine::SafetensorsReader& file, const std::string& path,
                           const std::vector<std::string>& names) {
  std::set<std::string> there;
  for (const engine::TensorEntry& e : file.entries()) there.insert(e.name);
  const auto found = [&](const EncoderNames& n) {
    return std::size_t(
        std::ranges::count_if(names, [&](const auto& name) { return there.contains(n.of(name)); }));
  };
  EncoderNames best{};
  std::size_t most = found(best);
  std::vector<EncoderNames> fitting;
  for (const EncoderNames& n : candidates(file)) {
    const std::size_t count = found(n);
    if (count > most) best = n, most = count;
    if (count == names.size()) fitting.push_back(n);
  }
  // torchvision's own names, and those of dyad's checkpoints, are never in doubt
  for (const EncoderNames& n : fitting)
    if (!n.sequential && (n.prefix.empty() || n.prefix == "encoder.")) return n;
  if (std::ranges::any_of(fitting, [](const EncoderNames& n) { return !is_average(n.prefix); }))
    std::erase_if(fitting, [](const EncoderNames& n) { return is_average(n.prefix); });
  if (fitting.empty()) return best;
  std::string several;
  for (const EncoderNames& n : fitting) several += (several.empty() ? "" : ", ") + n.prefix;
  engine::require_data(fitting.size() == 1, path, ": has ", fitting.size(), " encoders (", several,
                       "), expected one");
  return fitting[0];
}

std::string summary_of(const std::vector<std::string>& tensors) {
  // grouped by their names up to the second dot after "module."
  std::map<std::string, std::vector<std::string>> groups;
  for (const std::string& name : tensors) {
    const std::size_t begin = name.starts_with("module.") ? 7 : 0, dot = name.find('.', begin);
    groups[name.substr(0, dot)].push_back(name);
  }
  std::string text;
  for (const auto& [group, names] : groups) {
    if (names.size() > 2)
      text += (text.empty() ? "" : ", ") + group + ".* (" + std::to_string(names.size()) + " tensors)";
    else
      for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

}  // namespace apps
