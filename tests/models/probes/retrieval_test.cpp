// Retrieval: figures of rankings that are worked out by hand, ties, and a file of
// scripts/lab/check_retrieval.py.
#include "models/probes/retrieval.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/files/text_file.h"
#include "tests/support/gaussians.h"

using namespace models;
using engine::DType;
using engine::Tensor;

namespace {

Tensor rows_from(const std::vector<std::vector<double>>& rows, DType dtype = DType::f64) {
  std::vector<double> values;
  for (const auto& row : rows) values.insert(values.end(), row.begin(), row.end());
  return from_vector({std::int64_t(rows.size()), std::int64_t(rows.front().size())}, values, dtype);
}

std::vector<Ranks> ranks_in(const Tensor& database, const Tensor& queries,
                            const std::vector<Sought>& sought) {
  std::vector<Ranks> all(sought.size());
  rank_rows(
      database, queries, [&](std::int64_t q) { return std::vector<Sought>{sought[std::size_t(q)]}; },
      [&](std::int64_t q, std::size_t, const Ranks& ranks) { all[std::size_t(q)] = ranks; });
  return all;
}

double figure(const RetrievalFigures& f, const std::string& name) {
  return f.means[std::size_t(std::ranges::find(f.names, name) - f.names.begin())];
}

void check_figures(const RetrievalFigures& f, const nlohmann::json& expected) {
  CHECK(f.names.size() == expected.size());
  for (std::size_t i = 0; i < f.names.size(); ++i) {
    CAPTURE(f.names[i]);
    CHECK(std::abs(f.means[i] - expected.at(f.names[i]).get<double>()) < 1e-12);
  }
}

}  // namespace

TEST_CASE("retrieval: figures of a ranking, by hand") {
  const Ranks r = {1, 3, 8};  // R = 3
  CHECK(average_precision(r) == doctest::Approx((1 + 2. / 3 + 3. / 8) / 3).epsilon(1e-15));
  CHECK(average_precision_at_r(r) == doctest::Approx((1 + 2. / 3) / 3).epsilon(1e-15));
  CHECK(r_precision(r) == doctest::Approx(2. / 3).epsilon(1e-15));
  CHECK(recall_at(r, 1) == 1);
  CHECK(recall_at({2, 3}, 1) == 0);
  CHECK(recall_at({2, 3}, 2) == 1);
  CHECK(precision_at(r, 5) == doctest::Approx(0.4).epsilon(1e-15));
  CHECK(precision_at(r, 10) == doctest::Approx(0.3).epsilon(1e-15));
  CHECK(average_precision({1, 2, 3}) == 1);
  CHECK(average_precision_at_r({4, 5}) == 0);
}

TEST_CASE("retrieval: figures of revisited Oxford and Paris, by hand") {
  // ranks from 0: 0, 2, 7; precisions before and at each: 1 and 1, 1/2 and 2/3, 2/7 and 3/8
  CHECK(trapezoidal_average_precision({1, 3, 8}) ==
        doctest::Approx((1 + (1. / 2 + 2. / 3) / 2 + (2. / 7 + 3. / 8) / 2) / 3).epsilon(1e-15));
  CHECK(bounded_precision_at({1, 3, 8}, 5) == doctest::Approx(0.4).epsilon(1e-15));
  CHECK(bounded_precision_at({1, 3}, 10) == doctest::Approx(2. / 3).epsilon(1e-15));  // k is 3
  CHECK(bounded_precision_at({2}, 1) == 0);
}

TEST_CASE("retrieval: ranks by cosine, equal ones by index, without those that are ignored") {
  //                                 0         1        2        3        4         5
  const Tensor database = rows_from({{0, 1}, {2, 2}, {1, 0}, {1, 1}, {-1, 0}, {3, 1}});
  const Tensor query = rows_from({{5, 0}});  // order: 2, 5, 1 and 3 (equal), 0, 4
  CHECK(ranks_in(database, query, {{{0, 1, 2, 3, 4, 5}, {}}})[0] == Ranks{1, 2, 3, 4, 5, 6});
  CHECK(ranks_in(database, query, {{{3}, {}}})[0] == Ranks{4});
  CHECK(ranks_in(database, query, {{{1}, {}}})[0] == Ranks{3});
  CHECK(ranks_in(database, query, {{{3, 0}, {2, 1}}})[0] == Ranks{2, 3});
  CHECK(ranks_in(database, query, {{{3, 2}, {2}}})[0] == Ranks{3});  // ignored, although it is relevant
  CHECK(ranks_in(database, query, {{{}, {}}})[0].empty());
  // roles don't stay from one query to the next
  CHECK(ranks_in(database, rows_from({{5, 0}, {5, 0}}), {{{3}, {2, 5}}, {{3}, {}}}) ==
        std::vector<Ranks>{{2}, {4}});
}

TEST_CASE("retrieval: leave-one-out, and queries without a relevant row") {
  // two of class 0 beside each other, one of class 1 far away, alone
  const Tensor x = rows_from({{1, 0}, {0, 1}, {1, 0.1}});
  const RetrievalFigures f = retrieve_others(x, {0, 1, 0}, 3);
  CHECK(f.queries == std::vector<std::int64_t>{2, 0, 0});
  CHECK(f.without_relevant == 1);
  CHECK(figure(f, "mAP") == 1);
  CHECK(figure(f, "precision@10") == doctest::Approx(0.1));  // one of ten, though there are two others
  CHECK(std::isnan(f.by_class[0][1]));
  // against itself as a database each row finds itself first
  CHECK(figure(retrieve_classes(x, {0, 1, 2}, x, {0, 1, 2}, 3), "recall@1") == 1);
  const RetrievalFigures none = retrieve_classes(x, {0, 0, 0}, x, {1, 1, 1}, 2);
  CHECK(none.without_relevant == 3);
  CHECK(std::isnan(none.means[0]));
}

TEST_CASE("retrieval: a database of several blocks and tiles, equal rows far apart") {
  const std::int64_t rows = 9000;  // blocks have 4096 rows, tiles 256 queries
  engine::Random random(3);
  std::vector<double> values;
  for (std::int64_t i = 0; i < rows * 3; ++i) values.push_back(random.normal());
  for (const std::int64_t copy : {4095, 4096, 8999})
    std::copy_n(values.begin() + 15, 3, values.begin() + copy * 3);  // of row 5
  const Tensor x = from_vector({rows, 3}, values, DType::f32);
  std::vector<Sought> sought(300, Sought{{8999, 4096, 4095, 5}, {}});
  std::vector<double> asked;
  for (int q = 0; q < 300; ++q) asked.insert(asked.end(), values.begin() + 15, values.begin() + 18);
  for (const Ranks& ranks : ranks_in(x, from_vector({300, 3}, asked, DType::f32), sought))
    CHECK(ranks == Ranks{1, 2, 3, 4});
  sought.assign(1, Sought{{8999}, {5, 4096}});
  CHECK(ranks_in(x, from_vector({1, 3}, {asked[0], asked[1], asked[2]}, DType::f32), sought)[0] == Ranks{2});
}

TEST_CASE("retrieval: figures equal those of scripts/lab/check_retrieval.py") {
  const auto golden = nlohmann::json::parse(engine::read_text("tests/golden/retrieval.json").bytes);
  using Labels = std::vector<std::int32_t>;
  using Rows = std::vector<std::vector<double>>;
  const Labels labels = golden.at("labels"), query_labels = golden.at("query_labels");
  for (const DType dtype : {DType::f32, DType::f64}) {  // all values are multiples of 1/64
    const Tensor database = rows_from(golden.at("database").get<Rows>(), dtype);
    const Tensor queries = rows_from(golden.at("queries").get<Rows>(), dtype);
    const RetrievalFigures train = retrieve_classes(database, labels, queries, query_labels, 5);
    check_figures(train, golden.at("train"));
    CHECK(train.without_relevant == 1);
    check_figures(retrieve_others(database, labels, 5), golden.at("others"));
    for (std::size_t i = 0; i < train.names.size(); ++i)
      CHECK(std::abs(train.by_class[i][1] - golden.at("class 1").at(train.names[i]).get<double>()) < 1e-12);

    double sum = 0;
    rank_rows(
        database, queries,
        [&](std::int64_t q) {
          const auto& of = golden.at("lists").at(std::size_t(q));
          Labels good = of.at("easy");
          const Labels hard = of.at("hard");
          good.insert(good.end(), hard.begin(), hard.end());
          return std::vector<Sought>{{good, of.at("junk")}};
        },
        [&](std::int64_t, std::size_t, const Ranks& ranks) {
#pragma omp critical
          sum += trapezoidal_average_precision(ranks);
        });
    CHECK(std::abs(sum / double(queries.dim(0)) - golden.at("protocol").at("medium mAP").get<double>()) <
          1e-12);
  }
}

TEST_CASE("retrieval: the same bits for any number of threads") {
  const Labelled data = gaussians(400, 5, 4, 0.5, 7);
  RetrievalFigures one, three;
  with_threads(1, [&] { one = retrieve_others(data.features, data.labels, 4); });
  with_threads(3, [&] { three = retrieve_others(data.features, data.labels, 4); });
  CHECK(one.means == three.means);
  CHECK(one.by_class == three.by_class);
}

TEST_CASE("retrieval: features of other widths, dtypes and labels are refused") {
  const Tensor x = rows_from({{1, 0}, {0, 1}});
  const auto refused = [&](const Tensor& queries) {
    return [&] { retrieve_classes(x, {0, 0}, queries, {0, 0}, 1); };
  };
  CHECK_THROWS_WITH(refused(rows_from({{1, 0, 0}, {1, 0, 0}}))(),
                    "retrieval: queries are f64 (2,3), expected f64 (M,2)");
  CHECK_THROWS_WITH(refused(rows_from({{1, 0}, {1, 0}}, DType::f32))(),
                    "retrieval: queries are f32 (2,2), expected f64 (M,2)");
  CHECK_THROWS_WITH(retrieve_others(x, {0, 1}, 1), "retrieval: label 1, expected 0 .. 0");
}
