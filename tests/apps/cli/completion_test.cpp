// Completion: bash's script does what it should in a real bash; zsh and fish read theirs, where they are
// installed.
#include "apps/cli/completion.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <sstream>

#include "apps/system/shell.h"
#include "tests/support/scratch.h"

namespace {

using Words = std::vector<std::string>;

class Bash {
 public:
  Bash() { scratch_.write("dyad.bash", apps::bash_completion(apps::command_table())); }

  // What bash offers for the last of the words that follow `dyad`.
  Words offers(const Words& words) const {
    std::string line;
    for (const std::string& word : words) line += " " + apps::quoted(word);
    const std::string script = "source dyad.bash; COMP_WORDS=(dyad" + line +
                               "); COMP_CWORD=" + std::to_string(words.size()) +
                               "; _dyad; printf '%s\\n' \"${COMPREPLY[@]}\" >offers";
    REQUIRE(
        apps::shell("cd " + apps::quoted(scratch_.path("")) + " && bash --norc -uc " + apps::quoted(script)));
    std::istringstream in(scratch_.read("offers"));
    Words offered;
    for (std::string word; std::getline(in, word);)
      if (!word.empty()) offered.push_back(word);
    return offered;
  }

  const Scratch& scratch() const { return scratch_; }

 private:
  Scratch scratch_;
};

bool has(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST_CASE("bash completes commands") {
  const Bash bash;
  CHECK(bash.offers({"pre"}) == Words{"pretrain"});
  CHECK(bash.offers({"bench", "c"}) == Words{"compare", "collectives"});
  CHECK(bash.offers({"bench", ""}) ==
        Words{"step", "busy", "loader", "ops", "compare", "turns", "collectives", "--help"});
  CHECK(bash.offers({"completion", "f"}) == Words{"fish"});
  CHECK(bash.offers({"--v"}) == Words{"--version"});
  CHECK(bash.offers({"help", "pre"}) == Words{"pretrain"});
  const Words all = bash.offers({""});
  for (const char* word : {"pretrain", "eval", "data", "bench", "info", "help", "--help"})
    CHECK(has(all, word));
  CHECK_FALSE(has(all, "man"));
  CHECK_FALSE(has(all, "step"));
}

TEST_CASE("bash completes the flags of each command") {
  const Bash bash;
  CHECK(bash.offers({"pretrain", "--op"}) == Words{"--optimizer"});
  CHECK(bash.offers({"pretrain", "--batch", "8", "--he"}) == Words{"--head-layers", "--head-norm", "--help"});
  CHECK(bash.offers({"pretrain", "--graph", "--ta"}) == Words{"--tau", "--target-momentum"});
  CHECK(bash.offers({"data", "check", "--d"}) == Words{"--data"});
  CHECK(bash.offers({"bench", "step", "--ser"}) == Words{"--serve"});
  for (const apps::Command& c : apps::command_table().commands) {
    CAPTURE(c.name);
    if (c.hidden) continue;
    std::istringstream in(c.name);
    Words words{std::istream_iterator<std::string>(in), {}};
    words.push_back("--");
    const Words offered = bash.offers(words);
    for (const apps::Field& f : c.fields) CHECK(has(offered, "--" + f.name));
  }
}

TEST_CASE("bash completes values: choices, else files, nothing for a number") {
  const Bash bash;
  CHECK(bash.offers({"pretrain", "--optimizer", ""}) == Words{"lars", "sgd", "adamw"});
  CHECK(bash.offers({"pretrain", "--optimizer", "=", "s"}) == Words{"sgd"});
  CHECK(bash.offers({"pretrain", "--optimizer", "="}) == Words{"lars", "sgd", "adamw"});
  CHECK(bash.offers({"pretrain", "--size", ""}) == Words{"auto"});
  CHECK(bash.offers({"pretrain", "--batch", ""}).empty());
  CHECK(bash.offers({"bench", "ops", "--dtype", "b"}) == Words{"bf16"});
  CHECK(bash.offers({"linear", "--solver", ""}) == Words{"lbfgs", "sgd"});
  bash.scratch().write("some data/one.bin", "");
  CHECK(bash.offers({"pretrain", "--data", "some"}) == Words{"some data"});
  CHECK(bash.offers({"compare", "some"}) == Words{"some data"});
  CHECK(bash.offers({"pretrain", "some"}).empty());
  CHECK(bash.offers({"pretrain", "--resume", "au"}) == Words{"auto"});
  CHECK(bash.offers({"pretrain", "--config", "dy"}) == Words{"dyad.bash"});
}

void check_syntax(const std::string& shell, const std::string& script) {
  CAPTURE(shell);
  const Scratch scratch;
  if (apps::shell("command -v " + shell + " >/dev/null"))
    CHECK(apps::shell(shell + " -n " + apps::quoted(scratch.write("script", script))));
  else
    MESSAGE(shell, " is not installed: its script is not read");
}

TEST_CASE("zsh and fish read their scripts") {
  check_syntax("zsh", apps::zsh_completion(apps::command_table()));
  check_syntax("fish", apps::fish_completion(apps::command_table()));
}

}  // namespace
