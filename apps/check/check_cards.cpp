#include "apps/check/check_cards.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "apps/check/junit.h"
#include "apps/check/op_choice.h"
#include "apps/check/sanitizer_report.h"
#include "apps/check/temporary_file.h"
#include "engine/check/card_checks.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "kernels/base/check_options.h"
#include "kernels/base/crash_report.h"

static int race_reports = 0;
#ifdef DYAD_SIMT_ONLY
// ThreadSanitizer calls this with each report. What it prints may go elsewhere.
extern "C" __attribute__((no_sanitize("thread"))) void __tsan_on_report(void*) { ++race_reports; }
#endif

namespace apps {
namespace {

using engine::CardCheck;
using engine::OpCase;
using engine::Shape;
using Findings = std::vector<std::string>;

// What the checks of a card at a shape find: what they say themselves, and what the sanitizers print.
struct Gathered {
  std::vector<std::pair<std::string, std::string>> said;  // check, and what is wrong
  std::string reports;
};

// In a process of its own, since a crash ends it: the checks from `begin` on. Returns where to go on: after
// the check that has ended the process, or that leaves nothing for the others to find.
std::size_t run_checks(const std::vector<const CardCheck*>& checks, std::size_t begin, const OpCase& c,
                       const Shape& shape, const CheckCardsOptions& o, Gathered& gathered) {
  const TemporaryFile report, own;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    dup2(report.descriptor(), STDERR_FILENO);
    kernels::check_options().strict_lanes = o.strict;
    for (std::size_t i = begin; i < checks.size(); ++i) {
      own.write("check " + std::to_string(i));
      const std::string time_limit =
          std::string(checks[i]->name) + " took longer than the limit of " + std::to_string(o.limit) + " s";
      kernels::report_crashes(time_limit.c_str());
      alarm(o.limit);
      std::string wrong;
      bool last = checks[i]->decides;
      try {
        wrong = checks[i]->run(c, shape, o.seed);
      } catch (const kernels::SimtHang& e) {  // which the others would wait for too
        wrong = e.what();
        last = true;
      } catch (const std::exception& e) {  // for example threads that do not meet
        wrong = e.what();
      }
      if (wrong.empty()) continue;
      own.write("wrong " + wrong);
      if (last) break;
    }
    own.write("ends");
    _exit(race_reports > 0);
  }
  int status = 0;
  waitpid(child, &status, 0);

  bool ended = false;
  std::size_t check = begin;
  std::istringstream lines(own.text());
  for (std::string line; std::getline(lines, line);) {
    const std::string word = line.substr(0, line.find(' ')),
                      rest = line.substr(std::min(line.size(), word.size() + 1));
    if (word == "check")
      check = std::stoul(rest);
    else if (word == "wrong")
      gathered.said.emplace_back(checks[check]->name, rest);
    ended |= word == "ends";
  }
  const std::string printed = report.text();
  gathered.reports += printed;
  const bool too_long = WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGALRM;  // the others would be too
  if (status != 0 && !too_long && sanitizer_findings(printed).empty())
    gathered.said.emplace_back(
        checks[check]->name,
        (WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                             : "exit code " + std::to_string(WEXITSTATUS(status))) +
            (printed.empty() ? " without a report; is log_path set in a sanitizer's options (TSAN_OPTIONS, "
                               "ASAN_OPTIONS, MSAN_OPTIONS)?"
                             : ": " + printed));
  return ended || too_long ? checks.size() : check + 1;
}

// Each finding once, with the names of the checks that have it.
Findings findings_of(const std::vector<const CardCheck*>& checks, const OpCase& c, const Shape& shape,
                     const CheckCardsOptions& o) {
  Gathered gathered;
  for (std::size_t next = 0; next < checks.size();) next = run_checks(checks, next, c, shape, o, gathered);
  Findings all = sanitizer_findings(gathered.reports, file_in_this_program);
  std::vector<std::pair<std::string, std::string>> said;  // checks, and what is wrong
  for (const auto& [check, text] : gathered.said) {
    const std::string& wrong = text;  // clang 14 captures no structured binding
    const auto same =
        std::find_if(said.begin(), said.end(), [&](const auto& s) { return s.second == wrong; });
    if (same == said.end())
      said.emplace_back(check, wrong);
    else
      same->first += ", " + check;
  }
  const std::string of_seed = ", seed " + std::to_string(o.seed);
  for (const auto& [names, wrong] : said)
    all.push_back(names + ": " + wrong + (wrong.find(of_seed) == wrong.npos ? of_seed : ""));
  return all;
}

std::vector<const CardCheck*> chosen_checks(const std::string& expression) {
  const std::regex wanted = expression_of("--check", expression);
  std::vector<const CardCheck*> checks;
  std::string names;
  for (const CardCheck& c : engine::card_checks()) {
    if (std::regex_search(c.name, wanted)) checks.push_back(&c);
    names += std::string(names.empty() ? "" : ", ") + c.name;
  }
  if (checks.empty()) throw engine::UsageError("--check " + expression + " matches none of: " + names);
  return checks;
}

}  // namespace

int check_cards(const CheckCardsOptions& o) {
  const auto cases = chosen_ops(o.op);
  if (o.list) {
    for (const OpCase* c : cases) std::printf("%s\n", c->name);
    return 0;
  }
  const auto checks = chosen_checks(o.check);
  std::vector<JunitCase> results;
  int failed = 0;
  for (const OpCase* c : cases)
    for (const Shape& shape : c->check) {
      const auto begun = std::chrono::steady_clock::now();
      const Findings findings = findings_of(checks, *c, shape, o);
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
      failed += !findings.empty();
      const std::string size = engine::concat_text(shape);
      std::printf("%s  %-28s %-16s %8.3f s\n", findings.empty() ? "passed" : "FAILED", c->name, size.c_str(),
                  seconds);
      JunitCase& result = results.emplace_back(JunitCase{c->name, size, seconds});
      for (const std::string& f : findings) {
        std::printf("        %s\n", f.c_str());
        result.failure += (result.failure.empty() ? "" : "\n") + f;
      }
      std::fflush(stdout);
    }
  if (!o.junit.empty()) engine::write_file_atomically(o.junit, junit_text("cards", results));
  std::printf("%zu passed, %d failed\n", results.size() - std::size_t(failed), failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace apps
