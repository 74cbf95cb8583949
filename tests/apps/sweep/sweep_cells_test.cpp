// What --vary means: the values are checked, and every combination is a cell with a name of its own.
#include <doctest/doctest.h>

#include <set>

#include "apps/sweep/cells.h"
#include "engine/error.h"
#include "tests/support/scratch.h"

namespace {

using apps::List;

List names_of(const List& vary, int seeds) {
  List names;
  for (const apps::Cell& cell : apps::expanded(apps::parse_variations(vary), seeds))
    names.push_back(cell.name());
  return names;
}

std::string refusal(const List& vary) {
  return message_of<engine::UsageError>([&] { apps::parse_variations(vary); });
}

TEST_CASE("sweep: every combination is a cell, the seed changes fastest") {
  CHECK(names_of({"method=simclr,byol", "batch=32,64"}, 2) ==
        List{"method=simclr,batch=32,seed=0", "method=simclr,batch=32,seed=1",
             "method=simclr,batch=64,seed=0", "method=simclr,batch=64,seed=1", "method=byol,batch=32,seed=0",
             "method=byol,batch=32,seed=1", "method=byol,batch=64,seed=0", "method=byol,batch=64,seed=1"});
  CHECK(names_of({}, 3) == List{"seed=0", "seed=1", "seed=2"});
  CHECK(names_of({"method=simclr,moco2,byol", "batch=32,64,128"}, 3).size() == 27);
}

TEST_CASE("sweep: options that change together") {
  CHECK(names_of({"lr+batch=0.1+32,0.2+64"}, 1) == List{"lr=0.1,batch=32,seed=0", "lr=0.2,batch=64,seed=0"});
  CHECK(names_of({"lr+batch=0.1+32,0.2+64", "tau=0.5"}, 1).front() == "lr=0.1,batch=32,tau=0.5,seed=0");
  CHECK(refusal({"lr+batch=0.1+32,0.2"}) ==
        "--vary lr+batch=0.1+32,0.2: \"0.2\" has 1 of 2 values, expected V+V for each + of the keys");
}

TEST_CASE("sweep: a value is written as its option writes it") {
  CHECK(names_of({"lr=0.10,2e-1,auto"}, 1) == List{"lr=0.1,seed=0", "lr=0.2,seed=0", "lr=auto,seed=0"});
  CHECK(refusal({"lr=0.1,0.10"}) == "--vary lr=0.1,0.10: 0.10 is given twice");
}

TEST_CASE("sweep: a name is one folder's, whatever is in the values") {
  CHECK(names_of({"data=a/b,a%2Fb"}, 1) == List{"data=a%2Fb,seed=0", "data=a%252Fb,seed=0"});
  const std::string with_nul = names_of({"data=x y"}, 1).front();
  CHECK(with_nul == "data=x%20y,seed=0");
  CHECK_THROWS_AS(names_of({"data=" + std::string(300, 'x')}, 1), engine::UsageError);
}

TEST_CASE("sweep: what is wrong with --vary is said before anything starts") {
  CHECK(refusal({"batch=32,1"}) == "--vary batch=32,1: batch is 1, expected 2 to 65536");
  CHECK(refusal({"method=simclr,moco"}).find("method is \"moco\", expected byol|moco2|") !=
        std::string::npos);
  CHECK(refusal({"batchh=32"}) == "--vary batchh=32: pretrain has no option --batchh; did you mean batch?");
  CHECK(refusal({"batch"}) == "--vary batch: expected KEY=V1,V2,...");
  CHECK(refusal({"batch="}) == "--vary batch=: batch has an empty value");
  CHECK(refusal({"batch=32", "batch=64"}) == "--vary: batch is varied twice");
  CHECK(refusal({"epochs=1,2", "steps=5"}) == "--vary: steps is varied twice");
  CHECK(refusal({"seed=1,2"}).find("--seeds") != std::string::npos);
  CHECK(refusal({"run=a,b"}).find("names the folder") != std::string::npos);
  CHECK(refusal({"trace=a,b"}).find("for one start of a run") != std::string::npos);
}

}  // namespace
