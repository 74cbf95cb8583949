// Retrieval on frozen features: each query ranks the rows of a database by the cosine of their features, the
// greatest first; among equal cosines the first row comes first. The relevant rows should have small ranks.
//
// Sources of the figures:
//   recall@k       Jegou et al. 2011, Oh Song et al. 2016: whether one of the first k is relevant
//   precision@k    the share of relevant rows among the first k
//   mAP            average precision over the whole ranking (Manning et al. 2008, section 8.4), averaged
//   R-precision    the share of relevant rows among the first R, where R is the number of relevant rows
//   mAP@R          Musgrave et al. 2020, "A Metric Learning Reality Check", section 3.2
//   Oxford, Paris  Philbin et al. 2007; Radenovic et al. 2018, "Revisiting Oxford and Paris"
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/tensor.h"

namespace models {

// Of one query: the ranks, from 1, of its relevant rows, ascending. Rows that are ignored have no rank.
using Ranks = std::vector<std::int64_t>;

// Each needs at least one rank.
double average_precision(const Ranks&);       // 1/R sum_i i / rank_i
double average_precision_at_r(const Ranks&);  // the same sum over the ranks that are at most R
double r_precision(const Ranks&);
double recall_at(const Ranks&, int k);     // 1 or 0
double precision_at(const Ranks&, int k);  // divided by k, also where the database has fewer rows

// As revisitop's evaluate.py computes them: the area below the precision by the trapezoidal rule, and a
// precision@k whose k is at most the last relevant row's rank.
double trapezoidal_average_precision(const Ranks&);
double bounded_precision_at(const Ranks&, int k);

// What a query should find, as rows of the database. The rows that are ignored (junk, the query itself) are
// left out of its ranking.
struct Sought {
  std::vector<std::int32_t> relevant, ignored;
};

// For each query and each of its lists, the ranks of the relevant rows; none if there are none. database:
// (N,D), queries: (M,D), of the same dtype (f32 or f64) and device, not normalized. The cosines are computed
// in f64 from the features, tile by tile: memory is linear in N. `lists` and `found` are called by several
// threads at once, never for the same query.
using ListsOf = std::function<std::vector<Sought>(std::int64_t query)>;
using Found = std::function<void(std::int64_t query, std::size_t list, const Ranks&)>;
void rank_rows(const engine::Tensor& database, const engine::Tensor& queries, const ListsOf& lists,
               const Found& found);

// Figures of many queries: their means over all queries that have a relevant row, and over those of a class.
struct RetrievalFigures {
  std::vector<std::string> names;             // "recall@1", ...
  std::vector<double> means;                  // by name; NaN if no query has a relevant row
  std::vector<std::vector<double>> by_class;  // [name][class]; NaN for a class without such a query
  std::vector<std::int64_t> queries;          // that have a relevant row, by class
  std::int64_t without_relevant = 0;          // queries that have none
};

// A row is relevant if it has the query's label. Labels are from 0 to classes-1.
RetrievalFigures retrieve_classes(const engine::Tensor& database,
                                  const std::vector<std::int32_t>& database_labels,
                                  const engine::Tensor& queries,
                                  const std::vector<std::int32_t>& query_labels, int classes);

// Leave-one-out: each row queries all the others.
RetrievalFigures retrieve_others(const engine::Tensor& features, const std::vector<std::int32_t>& labels,
                                 int classes);

}  // namespace models
