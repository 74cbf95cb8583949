// The texts of --help and of the man page.
#include "apps/cli/help.h"

#include <doctest/doctest.h>

#include <iterator>
#include <sstream>

#include "apps/cli/cli.h"
#include "apps/cli/man_page.h"
#include "apps/system/exit_code.h"
#include "apps/system/shell.h"
#include "tests/support/scratch.h"

namespace {

std::string help_for(const std::string& command) {
  std::istringstream in(command + " --help");
  const std::vector<std::string> words{std::istream_iterator<std::string>(in), {}};
  std::ostringstream out, err;
  CHECK(apps::run_command_line(words, out, err) == apps::kOk);
  CHECK(err.str().empty());
  return out.str();
}

// A text without its line breaks and indents.
std::string unwrapped(const std::string& text) {
  std::istringstream in(text);
  std::string words;
  for (std::string word; in >> word;) words += (words.empty() ? "" : " ") + word;
  return words;
}

void check_width(const std::string& text) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    CAPTURE(line);
    CHECK(line.size() <= 100);
    CHECK((line.empty() || line.back() != ' '));
  }
}

TEST_CASE("help: every command's options under their headings, with default, meaning and range") {
  for (const apps::Command& c : apps::command_table().commands) {
    CAPTURE(c.name);
    const std::string help = help_for(c.name), words = unwrapped(help);
    check_width(help);
    CHECK(help.starts_with(c.help + ".\n"));
    for (const std::string& heading : apps::headings_of(c.fields)) {
      CAPTURE(heading);
      CHECK_FALSE(heading.empty());
      CHECK(help.find("\n\n" + heading + "\n  --") != std::string::npos);
    }
    for (const apps::Field& f : c.fields) {
      CAPTURE(f.name);
      CHECK(help.find("\n  --" + f.name + " ") != std::string::npos);
      CHECK(words.find(unwrapped("--" + f.name + " " + (f.required ? "(required)" : apps::default_of(f)) +
                                 " " + f.help)) != std::string::npos);
      if (!std::holds_alternative<bool*>(f.value)) CHECK(help.find(apps::range_text(f)) != std::string::npos);
    }
  }
}

TEST_CASE("help: every option's text names its subject") {
  for (const apps::Command& c : apps::command_table().commands)
    for (const apps::Field& f : c.fields) {
      CAPTURE(c.name);
      CAPTURE(f.help);
      CHECK_FALSE(f.help.starts_with("of "));
      CHECK(f.help.back() != '.');
    }
}

TEST_CASE("help: of all commands, and of a group") {
  const std::string top = help_for("");
  check_width(top);
  for (const apps::Command& c : apps::command_table().commands)
    CHECK((top.find("\n  " + c.name + " ") != std::string::npos) == !c.hidden);
  const std::string bench = help_for("bench");
  check_width(bench);
  CHECK(bench.find("\n  bench step ") != std::string::npos);
  CHECK(bench.find("pretrain") == std::string::npos);
}

TEST_CASE("the man page has every option, and troff no complaint") {
  const apps::CommandTable table = apps::command_table();
  const std::string page = apps::man_page(table);
  for (const apps::Command& c : table.commands) {
    if (c.hidden) continue;
    CHECK(page.find(".SS dyad " + c.name + "\n") != std::string::npos);
  }
  CHECK(page.find("\\fB\\-\\-warmup\\-epochs\\fR") != std::string::npos);
  const Scratch scratch;
  const std::string file = scratch.write("dyad.1", page), said = scratch.path("said"),
                    shown = scratch.path("shown");
  if (!apps::shell("command -v groff >/dev/null")) {
    MESSAGE("groff is not there: the page is not rendered");
    return;
  }
  CHECK(apps::shell("groff -man -ww -Tutf8 " + file + " >" + shown + " 2>" + said));
  CHECK(scratch.read("said") == "");
  CHECK(scratch.read("shown").find("resnet50") != std::string::npos);
}

}  // namespace
