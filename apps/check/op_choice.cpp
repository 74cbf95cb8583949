#include "apps/check/op_choice.h"

#include <algorithm>

#include "engine/error.h"

namespace apps {

using engine::OpCase;

std::regex expression_of(const std::string& flag, const std::string& text) {
  constexpr std::size_t most = 1000;  // characters: std::regex reads parentheses by recursion
  if (text.size() > most)
    throw engine::UsageError(
        engine::concat_text(flag, " has ", text.size(), " characters, expected at most ", most));
  try {
    // libstdc++'s matcher that keeps all its states at once: its time is linear in the text, whatever the
    // expression; the usual one may take exponential time
    return std::regex(text, std::regex::ECMAScript | std::regex_constants::__polynomial);
  } catch (const std::regex_error&) {
    throw engine::UsageError(flag + " is \"" + text + "\", expected a regular expression");
  }
}

std::vector<const OpCase*> chosen_ops(const std::string& expression) {
  const std::regex wanted = expression_of("--op", expression);
  std::vector<const OpCase*> cases;
  for (const OpCase& c : OpCase::all())
    if (std::regex_search(c.name, wanted)) cases.push_back(&c);
  if (cases.empty())
    throw engine::UsageError("--op " + expression + " matches no op; dyad gradcheck --list shows them");
  std::sort(cases.begin(), cases.end(),
            [](const auto* a, const auto* b) { return std::string(a->name) < b->name; });
  return cases;
}

void use_threads(const std::string& threads) {
#ifdef DYAD_SIMT_ONLY
  if (threads == "host")
    throw engine::UsageError("--threads host: sanitizer builds have the GPU's block sizes only");
#endif
  engine::cpu_threads() = threads == "gpu" ? engine::Threads::gpu : engine::Threads::host;
}

}  // namespace apps
