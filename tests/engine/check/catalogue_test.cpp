// Catalogues and cards agree: every public op (engine/ops.h) has a card, every card belongs to an op or a
// launcher, some card runs every launcher (kernels/kernels.h), and an op without a gradient has a reference.
#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "engine/check/gradcheck.h"
#include "kernels/base/launch_log.h"

using namespace engine;

namespace {

using Names = std::set<std::string>;

std::string read(const std::string& path) {
  std::ifstream file(path);
  REQUIRE_MESSAGE(file, path << " cannot be read; tests run in the root of the repository");
  return {std::istreambuf_iterator<char>(file), {}};
}

// The names of functions declared at the left margin as "type name(" whose type is `wanted`, on a line after
// one that begins with `before`.
template <class Wanted>
Names declared(const std::string& header, Wanted wanted, const std::string& before = "") {
  Names names;
  std::istringstream lines(header);
  for (std::string line, last; std::getline(lines, line); last = line) {
    const auto space = line.find(' '), bracket = line.find('(');
    if (space == std::string::npos || bracket == std::string::npos || bracket < space) continue;
    const std::string name = line.substr(space + 1, bracket - space - 1);
    if (!name.empty() && name.find(' ') == std::string::npos && wanted(line.substr(0, space)) &&
        last.rfind(before, 0) == 0)
      names.insert(name);
  }
  return names;
}

// Ops return a tensor or a struct of tensors; launchers are templates on a stream.
Names ops_in(const std::string& header) {
  return declared(header, [](const std::string& type) { return type[0] >= 'A' && type[0] <= 'Z'; });
}
Names launchers_in(const std::string& header) {
  return declared(
      header, [](const std::string& type) { return type == "void"; }, "template <class Stream");
}

std::string op_of(const OpCase& c) { return std::string(c.name).substr(0, std::string(c.name).find('/')); }

Names difference(const Names& a, const Names& b) {
  Names only;
  for (const std::string& name : a)
    if (b.count(name) == 0) only.insert(name);
  return only;
}

std::string list(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += " " + name;
  return text;
}

// The launchers that the cards' forward and backward run, in every dtype and at both block sizes.
[[maybe_unused]] Names reached() {
  struct Restore {
    Threads threads = cpu_threads();
    ~Restore() {
      kernels::launch_log() = nullptr;
      cpu_threads() = threads;
    }
  } restore;
  kernels::LaunchLog log;
  kernels::launch_log() = &log;
  for (const OpCase& c : OpCase::all())
    for (const Threads threads : {Threads::host, Threads::gpu})
      for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
        if (dtype == DType::bf16 && (!c.bf16 || threads == Threads::host))
          continue;  // not every CPU has bf16
        cpu_threads() = threads;
        for (const Shape& shape : c.check) run_card(c, shape, 1, dtype, cpu);
      }
  Names names;
  for (const auto& entry : log.entries) names.insert(entry.launcher);
  return names;
}

}  // namespace

TEST_CASE("every public op has a card, and every card is of an op or a launcher") {
  const Names ops = ops_in(read("engine/ops.h")), launchers = launchers_in(read("kernels/kernels.h"));
  REQUIRE(ops.count("relu") == 1);
  REQUIRE(ops.count("top_k") == 1);
  REQUIRE(launchers.count("relu_backward") == 1);

  Names cards;
  for (const OpCase& c : OpCase::all()) cards.insert(op_of(c));
  const Names without = difference(ops, cards);
  CHECK_MESSAGE(without.empty(), "no card in engine/ops/*.case.cpp for:" << list(without));
  const Names strangers = difference(difference(cards, ops), launchers);
  CHECK_MESSAGE(strangers.empty(),
                "cards of nothing in engine/ops.h or kernels/kernels.h:" << list(strangers));
}

#ifndef DYAD_SIMT_ONLY  // sanitizer builds leave the vendor paths out
TEST_CASE("some card runs every launcher") {
  const Names launchers = launchers_in(read("kernels/kernels.h"));
  REQUIRE(launchers.size() > 3);
  const Names missing = difference(launchers, reached());
  CHECK_MESSAGE(missing.empty(), "no card runs:" << list(missing));
}
#endif

TEST_CASE("a card without a gradient has a reference, and every card has shapes to check") {
  for (const OpCase& c : OpCase::all()) {
    CAPTURE(c.name);
    REQUIRE(!c.check.empty());
    Random random(1);
    bool differentiated = false;
    for (const Tensor& input : c.inputs(c.check[0], random)) differentiated |= input.node() != nullptr;
    CHECK((differentiated || c.reference));
  }
}

TEST_CASE("the readers of the catalogues find all declarations and nothing else") {
  CHECK(ops_in("// Tensor no(const Tensor&);\n"
               "Tensor yes(const Tensor& x,\n            int n);\n"
               "TopK also(int k);\n"
               "  Tensor member(int);\n"
               "struct TopK {\n") == Names{"yes", "also"});
  CHECK(launchers_in("template <class Stream, class T>\nvoid yes(Stream, int n);\n"
                     "template <class Stream, class TA, class TB>\nvoid also(Stream);\n"
                     "// void no(Stream)\ninline int slabs(int n) {\n") == Names{"yes", "also"});
}
