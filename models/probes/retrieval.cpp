#include "models/probes/retrieval.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/ops.h"
#include "engine/tape.h"
#include "models/probes/probe_data.h"

namespace models {
namespace {

using engine::Tensor;

// The cosines of a tile of queries with the whole database: at most this many (128 MB), computed in blocks of
// so many rows.
constexpr std::int64_t kTile = std::int64_t(1) << 24, kMostQueries = 256, kBlock = 4096;

double sum_of_precisions(const Ranks& ranks, std::int64_t last) {
  double sum = 0;
  for (std::size_t i = 0; i < ranks.size() && ranks[i] <= last; ++i) sum += double(i + 1) / double(ranks[i]);
  return sum;
}

std::int64_t count_within(const Ranks& ranks, std::int64_t last) {
  return std::ranges::upper_bound(ranks, last) - ranks.begin();
}

Tensor unit_rows(const Tensor& x, std::int64_t first, std::int64_t count) {
  return engine::l2_normalize(engine::cast(x.slice(first, count), engine::DType::f64));
}

// The cosines of `asked` (M,D), unit rows in f64, with all rows of the database: (M,N).
std::vector<double> cosines_with(const Tensor& asked, const Tensor& database) {
  const std::int64_t rows = asked.dim(0), all = database.dim(0);
  std::vector<double> cosines(std::size_t(rows * all));
  for (std::int64_t first = 0; first < all; first += kBlock) {
    const std::int64_t width = std::min(kBlock, all - first);
    const std::vector<double> block = linear(asked, unit_rows(database, first, width)).to_vector();
    for (std::int64_t q = 0; q < rows; ++q)
      std::copy_n(&block[std::size_t(q * width)], width, &cosines[std::size_t(q * all + first)]);
  }
  return cosines;
}

enum class Role : std::uint8_t { other, relevant, ignored };

// Ranks without sorting the whole database: each other row lies between two of the sorted relevant ones, and
// raises the ranks of those behind it. roles: one for each row, all `other`, before and after.
Ranks ranks_of(const double* cosines, std::vector<Role>& roles, const Sought& sought) {
  const auto before = [&](std::int32_t a, std::int32_t b) {
    return cosines[a] != cosines[b] ? cosines[a] > cosines[b] : a < b;
  };
  for (const std::int32_t row : sought.relevant) roles[std::size_t(row)] = Role::relevant;
  std::vector<std::int32_t> relevant = sought.relevant;
  for (const std::int32_t row : sought.ignored) roles[std::size_t(row)] = Role::ignored;
  std::erase_if(relevant, [&](std::int32_t row) { return roles[std::size_t(row)] == Role::ignored; });
  std::ranges::sort(relevant, before);
  std::vector<std::int64_t> between(relevant.size() + 1, 0);
  for (std::size_t row = 0; row < roles.size(); ++row)
    if (roles[row] == Role::other) {
      const auto r = std::int32_t(row);
      const auto next = std::ranges::partition_point(relevant, [&](std::int32_t o) { return before(o, r); });
      ++between[std::size_t(next - relevant.begin())];
    }
  Ranks ranks;
  std::int64_t others = 0;
  for (std::size_t i = 0; i < relevant.size(); ++i) {
    others += between[i];
    ranks.push_back(std::int64_t(i) + 1 + others);
  }
  for (const auto* list : {&sought.relevant, &sought.ignored})
    for (const std::int32_t row : *list) roles[std::size_t(row)] = Role::other;
  return ranks;
}

struct Figure {
  const char* name;
  double (*of)(const Ranks&);
};
const Figure kFigures[] = {
    {"recall@1", [](const Ranks& r) { return recall_at(r, 1); }},
    {"recall@5", [](const Ranks& r) { return recall_at(r, 5); }},
    {"recall@10", [](const Ranks& r) { return recall_at(r, 10); }},
    {"precision@5", [](const Ranks& r) { return precision_at(r, 5); }},
    {"precision@10", [](const Ranks& r) { return precision_at(r, 10); }},
    {"mAP", average_precision},
    {"mAP@R", average_precision_at_r},
    {"R-precision", r_precision},
};
constexpr std::size_t kCount = std::size(kFigures);

RetrievalFigures retrieve(const Tensor& database, const std::vector<std::int32_t>& database_labels,
                          const Tensor& queries, const std::vector<std::int32_t>& labels, int classes,
                          bool leave_one_out) {
  check_labelled("retrieval", database, database_labels, classes);
  check_labelled("retrieval", queries, labels, classes);
  std::vector<std::vector<std::int32_t>> rows_of_class(static_cast<std::size_t>(classes));
  for (std::size_t i = 0; i < database_labels.size(); ++i)
    rows_of_class[std::size_t(database_labels[i])].push_back(std::int32_t(i));

  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> figures(labels.size() * kCount, none);  // of each query
  rank_rows(
      database, queries,
      [&](std::int64_t q) {
        Sought s{rows_of_class[std::size_t(labels[std::size_t(q)])], {}};
        if (leave_one_out) s.ignored = {std::int32_t(q)};
        return std::vector<Sought>{std::move(s)};
      },
      [&](std::int64_t q, std::size_t, const Ranks& ranks) {
        for (std::size_t f = 0; f < kCount && !ranks.empty(); ++f)
          figures[std::size_t(q) * kCount + f] = kFigures[f].of(ranks);
      });

  // Summed in the order of the queries, so that the sums don't depend on the number of threads.
  RetrievalFigures result;
  result.queries.assign(std::size_t(classes), 0);
  std::vector<std::vector<double>> sums(kCount, std::vector<double>(std::size_t(classes), 0));
  std::vector<double> totals(kCount, 0);
  for (std::size_t q = 0; q < labels.size(); ++q) {
    if (std::isnan(figures[q * kCount])) {
      ++result.without_relevant;
      continue;
    }
    ++result.queries[std::size_t(labels[q])];
    for (std::size_t f = 0; f < kCount; ++f) {
      totals[f] += figures[q * kCount + f];
      sums[f][std::size_t(labels[q])] += figures[q * kCount + f];
    }
  }
  const auto counted = std::int64_t(labels.size()) - result.without_relevant;
  for (std::size_t f = 0; f < kCount; ++f) {
    result.names.emplace_back(kFigures[f].name);
    result.means.push_back(counted > 0 ? totals[f] / double(counted) : none);
    for (std::size_t c = 0; c < sums[f].size(); ++c)
      sums[f][c] = result.queries[c] > 0 ? sums[f][c] / double(result.queries[c]) : none;
    result.by_class.push_back(std::move(sums[f]));
  }
  return result;
}

}  // namespace

double average_precision(const Ranks& ranks) {
  return sum_of_precisions(ranks, ranks.back()) / double(ranks.size());
}
double average_precision_at_r(const Ranks& ranks) {
  return sum_of_precisions(ranks, std::int64_t(ranks.size())) / double(ranks.size());
}
double r_precision(const Ranks& ranks) {
  return double(count_within(ranks, std::int64_t(ranks.size()))) / double(ranks.size());
}
double recall_at(const Ranks& ranks, int k) { return ranks.front() <= k ? 1 : 0; }
double precision_at(const Ranks& ranks, int k) { return double(count_within(ranks, k)) / k; }

double trapezoidal_average_precision(const Ranks& ranks) {
  double sum = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const double above = double(ranks[i] - 1);  // rows above it, i of which are relevant
    sum += ((above == 0 ? 1 : double(i) / above) + double(i + 1) / (above + 1)) / 2;
  }
  return sum / double(ranks.size());
}

double bounded_precision_at(const Ranks& ranks, int k) {
  const std::int64_t last = std::min<std::int64_t>(k, ranks.back());
  return double(count_within(ranks, last)) / double(last);
}

void rank_rows(const Tensor& database, const Tensor& queries, const ListsOf& lists, const Found& found) {
  using engine::require;
  require(database.shape().rank() == 2 && database.dim(0) >= 1, "retrieval: the database is ",
          database.shape(), ", expected (N,D), N at least 1");
  require(
      queries.shape().rank() == 2 && queries.dim(1) == database.dim(1) && queries.dtype() == database.dtype(),
      "retrieval: queries are ", queries.dtype(), " ", queries.shape(), ", expected ", database.dtype(),
      " (M,", database.dim(1), ")");
  const engine::NoGrad no_grad;
  const std::int64_t all = database.dim(0), tile = std::clamp<std::int64_t>(kTile / all, 1, kMostQueries);
  for (std::int64_t first = 0; first < queries.dim(0); first += tile) {
    const std::int64_t rows = std::min(tile, queries.dim(0) - first);
    const std::vector<double> cosines = cosines_with(unit_rows(queries, first, rows), database);
#pragma omp parallel
    {
      std::vector<Role> roles(std::size_t(all), Role::other);
#pragma omp for schedule(dynamic, 1)
      for (std::int64_t q = 0; q < rows; ++q) {
        const std::vector<Sought> sought = lists(first + q);
        for (std::size_t i = 0; i < sought.size(); ++i)
          found(first + q, i, ranks_of(&cosines[std::size_t(q * all)], roles, sought[i]));
      }
    }
  }
}

RetrievalFigures retrieve_classes(const Tensor& database, const std::vector<std::int32_t>& database_labels,
                                  const Tensor& queries, const std::vector<std::int32_t>& query_labels,
                                  int classes) {
  return retrieve(database, database_labels, queries, query_labels, classes, false);
}

RetrievalFigures retrieve_others(const Tensor& features, const std::vector<std::int32_t>& labels,
                                 int classes) {
  return retrieve(features, labels, features, labels, classes, true);
}

}  // namespace models
