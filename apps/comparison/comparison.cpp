#include "apps/comparison/comparison.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "engine/error.h"

namespace apps {
namespace {

using engine::concat_text;

// Numbers by their value and before words, so that 128 follows 64.
bool before(const List& a, const List& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    char *end_a = nullptr, *end_b = nullptr;
    const double x = std::strtod(a[i].c_str(), &end_a), y = std::strtod(b[i].c_str(), &end_b);
    const bool number_a = !a[i].empty() && *end_a == '\0', number_b = !b[i].empty() && *end_b == '\0';
    if (number_a && number_b && x != y) return x < y;
    return number_a != number_b ? number_a : a[i] < b[i];
  }
  return false;
}

// The options in which the runs differ: those that are known to be varied first. An option that has the value
// of the views' recipe in all runs differs where the recipe does, which has its own options.
List differing(const std::vector<RunRecord>& runs, const List& varied) {
  List names = varied;
  for (const auto& option : runs.front().options)
    if (std::ranges::any_of(runs, [&](const RunRecord& r) {
          return std::ranges::find(r.from_recipe, option.first) == r.from_recipe.end();
        }))
      names.push_back(option.first);
  List found;
  for (const std::string& name : names) {
    const bool differs = std::any_of(runs.begin(), runs.end(), [&](const RunRecord& r) {
      return r.option(name) != runs.front().option(name);
    });
    if (differs && std::find(found.begin(), found.end(), name) == found.end()) found.push_back(name);
  }
  return found;
}

List values_of(const RunRecord& run, const List& names) {
  List values;
  for (const std::string& name : names) values.push_back(run.option(name));
  return values;
}

std::size_t count_distinct(const std::vector<RunRecord>& runs, const List& names) {
  std::set<List> all;
  for (const RunRecord& run : runs) all.insert(values_of(run, names));
  return all.size();
}

RunGroup group_of(List values, std::vector<RunRecord> runs) {
  std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.seed < b.seed; });
  RunGroup s{.values = std::move(values),
             .runs = std::move(runs),
             .knn = {},
             .linear = {},
             .loss = {},
             .seconds = {}};
  const auto figure = [&](std::optional<double> RunRecord::*member) {
    std::vector<double> all;
    for (const RunRecord& run : s.runs)
      if (run.*member) all.push_back(*(run.*member));
    return figure_of(all);
  };
  s.knn = figure(&RunRecord::knn), s.linear = figure(&RunRecord::linear);
  s.loss = figure(&RunRecord::loss), s.seconds = figure(&RunRecord::seconds);
  return s;
}

bool repeats_a_seed(const std::vector<RunRecord>& runs) {
  std::set<std::uint64_t> seeds;
  for (const RunRecord& run : runs) seeds.insert(run.seed);
  return seeds.size() < runs.size();
}

// A line if the kNN accuracies were not made with the same k and temperature.
std::string other_settings(const std::vector<RunRecord>& runs) {
  const RunRecord* first = nullptr;
  for (const RunRecord& run : runs) {
    if (!run.knn || run.knn_settings.empty()) continue;
    if (first == nullptr) first = &run;
    if (run.knn_settings != first->knn_settings)
      return concat_text("the kNN accuracies have other settings: ", first->path, " ", first->knn_settings,
                         ", ", run.path, " ", run.knn_settings);
  }
  return "";
}

}  // namespace

Comparison compared(std::vector<RunRecord> runs, const List& varied) {
  Comparison c;
  if (runs.empty()) return c;
  const List all = differing(runs, varied);
  // what the varied options decide, such as a learning rate that is chosen by the batch, needs no column
  for (const std::string& name : all)
    (std::find(varied.begin(), varied.end(), name) != varied.end() ? c.columns : c.following).push_back(name);
  if (count_distinct(runs, c.columns) < count_distinct(runs, all)) {
    c.columns = all;
    c.following.clear();
  }
  if (const std::string line = other_settings(runs); !line.empty()) c.problems.push_back(line);
  const bool one_seed = varied.empty() && runs.size() == count_distinct(runs, c.columns);
  std::map<List, std::vector<RunRecord>> groups;
  for (RunRecord& run : runs) {
    for (const std::string& problem : run.problems) c.problems.push_back(run.path + ": " + problem);
    groups[values_of(run, c.columns)].push_back(std::move(run));
  }
  // Runs with the same options and the same seed are no sample of seeds: each is a row, named by its folder.
  // So is each if no two have the same options.
  const bool named = one_seed || std::any_of(groups.begin(), groups.end(),
                                             [](const auto& g) { return repeats_a_seed(g.second); });
  if (named) c.columns.emplace_back("folder");
  for (auto& [values, members] : groups) {
    if (!one_seed && !repeats_a_seed(members)) {
      List row = values;
      if (named) row.push_back(members.size() == 1 ? members.front().path : "");
      c.rows.push_back(group_of(row, std::move(members)));
      continue;
    }
    for (RunRecord& run : members) {
      List row = values;
      row.push_back(run.path);
      std::vector<RunRecord> one;
      one.push_back(std::move(run));
      c.rows.push_back(group_of(row, std::move(one)));
    }
  }
  std::sort(c.rows.begin(), c.rows.end(),
            [](const auto& a, const auto& b) { return before(a.values, b.values); });
  return c;
}

Comparison compare_runs(const List& arguments) {
  List varied, problems;
  std::vector<RunRecord> runs;
  std::set<std::filesystem::path> seen;
  const auto or_left_out = [&](const std::string& path, const auto& read) {
    try {
      read();
    } catch (const std::exception& e) {
      problems.push_back(concat_text(path, ": left out: ", e.what()));
    }
  };
  List paths;
  for (const std::string& argument : arguments) {
    engine::require_data(std::filesystem::exists(argument), argument, ": there is no such folder");
    or_left_out(argument, [&] {
      const List named = runs_named(argument, varied, problems);
      paths.insert(paths.end(), named.begin(), named.end());
    });
  }
  for (const std::string& path : paths)
    or_left_out(path, [&] {
      if (seen.insert(std::filesystem::weakly_canonical(path)).second) runs.push_back(read_run(path));
    });
  if (runs.empty()) throw engine::DataError(problems.empty() ? "there is no run" : problems.front());
  Comparison c = compared(std::move(runs), varied);
  c.problems.insert(c.problems.begin(), problems.begin(), problems.end());
  return c;
}

}  // namespace apps
