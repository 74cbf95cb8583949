#include "apps/check/check_cards.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "apps/check/junit.h"
#include "apps/check/op_choice.h"
#include "apps/check/sanitizer_report.h"
#include "engine/check/card_checks.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"

#ifdef DYAD_SIMT_ONLY
// ThreadSanitizer calls this with each report. What it prints may go elsewhere.
static int race_reports = 0;
extern "C" __attribute__((no_sanitize("thread"))) void __tsan_on_report(void*) { ++race_reports; }
#endif

namespace apps {
namespace {

using engine::CardCheck;
using engine::OpCase;
using engine::Shape;
using Findings = std::vector<std::string>;

// A file for one text; it goes when this goes.
class TemporaryFile {
 public:
  TemporaryFile() : file_(std::tmpfile()) {
    if (file_ == nullptr) throw std::runtime_error("no temporary file can be made");
  }
  ~TemporaryFile() { std::fclose(file_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int descriptor() const { return fileno(file_); }
  void write(const std::string& line) const { dprintf(descriptor(), "%s\n", line.c_str()); }
  std::string text() const {
    std::string all;
    char piece[4096];
    lseek(descriptor(), 0, SEEK_SET);
    for (ssize_t n; (n = ::read(descriptor(), piece, sizeof piece)) > 0;) all.append(piece, std::size_t(n));
    return all;
  }

 private:
  std::FILE* file_;
};

// One check of one card. What throws (threads that do not meet) is a finding.
std::string run_check(const CardCheck& check, const OpCase& c, const Shape& shape, std::uint64_t seed) {
  std::string wrong;
  try {
    wrong = check.run(c, shape, seed);
  } catch (const std::exception& e) {
    wrong = e.what();
  }
  if (wrong.empty()) return "";
  const std::string of_seed = ", seed " + std::to_string(seed);
  return std::string(check.name) + ": " + wrong + (wrong.find(of_seed) == wrong.npos ? of_seed : "");
}

#ifdef DYAD_SIMT_ONLY
// In a process of its own: AddressSanitizer ends it with the first report, and ThreadSanitizer's shadow of
// one card does not burden the next.
Findings findings_of(const std::vector<const CardCheck*>& checks, const OpCase& c, const Shape& shape,
                     std::uint64_t seed) {
  const TemporaryFile report, own;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    dup2(report.descriptor(), STDERR_FILENO);
    for (const CardCheck* check : checks) {
      const std::string wrong = run_check(*check, c, shape, seed);
      if (!wrong.empty()) own.write(wrong);
    }
    _exit(race_reports > 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  Findings all = sanitizer_findings(report.text(), file_in_this_program);
  std::istringstream lines(own.text());
  for (std::string line; std::getline(lines, line);) all.push_back(line);
  if (all.empty() && status != 0)
    all.push_back((WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                       : "exit code " + std::to_string(WEXITSTATUS(status))) +
                  (report.text().empty()
                       ? " without a report; is log_path set in a sanitizer's options (TSAN_OPTIONS, "
                         "ASAN_OPTIONS, MSAN_OPTIONS)?"
                       : ": " + report.text()));
  return all;
}
#else
Findings findings_of(const std::vector<const CardCheck*>& checks, const OpCase& c, const Shape& shape,
                     std::uint64_t seed) {
  Findings all;
  for (const CardCheck* check : checks) {
    const std::string wrong = run_check(*check, c, shape, seed);
    if (!wrong.empty()) all.push_back(wrong);
  }
  return all;
}
#endif

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
      const Findings findings = findings_of(checks, *c, shape, o.seed);
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
