#include "apps/report/answers.h"

#include <algorithm>
#include <array>
#include <vector>

namespace apps {

using nlohmann::ordered_json;

ordered_json answers_of(const ordered_json& confusion, std::size_t most) {
  const auto counts = confusion.get<std::vector<std::vector<std::int64_t>>>();
  std::vector<std::int64_t> total, right;
  std::vector<std::array<std::int64_t, 3>> wrong;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total.push_back(0);
    for (std::size_t j = 0; j < counts[i].size(); ++j) {
      total.back() += counts[i][j];
      if (i != j && counts[i][j] > 0) wrong.push_back({std::int64_t(i), std::int64_t(j), counts[i][j]});
    }
    right.push_back(counts[i].at(i));
  }
  std::ranges::stable_sort(wrong, std::ranges::greater(), [](const auto& w) { return w[2]; });
  if (wrong.size() > most) wrong.resize(most);
  return {{"total", total}, {"right", right}, {"wrong", wrong}};
}

}  // namespace apps
