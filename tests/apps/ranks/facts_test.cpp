// What ranks tell each other of themselves, and what is said where it differs.
#include "apps/ranks/facts.h"

#include <doctest/doctest.h>

#include <string>

using apps::Facts;

TEST_CASE("facts arrive as they were sent, whatever bytes they have") {
  const Facts facts = {{"tau", "0.5"},
                       {"", ""},
                       {"a\tkey", "lines\nand\ttabs\n"},
                       {"init-weights", std::string("zero \0 byte", 11)},
                       {"12:3", ":"}};
  CHECK(apps::unpacked(apps::packed(facts)) == facts);
  CHECK(apps::unpacked(apps::packed({})).empty());
  const std::string bytes = apps::packed(facts);
  CHECK_THROWS((void)apps::unpacked(bytes.substr(0, bytes.size() - 1)));
}

TEST_CASE("the first fact in which a rank differs from rank 0 is named") {
  const Facts facts = {{"world size", "3"}, {"tau", "0.1"}, {"lr", "1"}};
  Facts other = facts;
  CHECK(apps::disagreement({{"a", facts}, {"b", facts}, {"c", other}}) == "");
  other[1].second = "0.2\nlr\t1";
  other[2].second = "2";
  CHECK(apps::disagreement({{"a", facts}, {"b", facts}, {"c", other}}) ==
        "rank 2 on c has tau = 0.2\nlr\t1, rank 0 on a has 0.1");
  other = facts;
  other.pop_back();
  CHECK(apps::disagreement({{"a", facts}, {"b", other}}) ==
        "rank 1 on b has lr = nothing, rank 0 on a has 1");
}
