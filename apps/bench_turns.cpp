// dyad bench turns: times two builds alternately, each round in a new process. Minutes in which the machine
// is slow affect both builds, and the memory pages of a process are drawn anew in each round.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>

#include "apps/bench/compare.h"
#include "apps/cli/commands.h"
#include "apps/options/fields.h"
#include "apps/system/shell.h"
#include "engine/error.h"

namespace apps {
namespace {

// A temporary folder.
class Folder {
 public:
  Folder() {
    std::error_code no_folder;
    std::string name = (std::filesystem::temp_directory_path(no_folder) / "dyad-turns-XXXXXX").string();
    if (no_folder || mkdtemp(name.data()) == nullptr)
      throw engine::UsageError(name + " can't be made, expected TMPDIR to be a folder to write to");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

void require_program(const char* flag, const std::string& path) {
  if (!std::filesystem::is_regular_file(path) || access(path.c_str(), X_OK) != 0)
    throw engine::UsageError(std::string("--") + flag + " is \"" + path + "\", expected a program of dyad");
}

// One round of all ops; its table is not shown.
nlohmann::json run(const std::string& program, BenchOpsOptions ops, const std::string& file) {
  ops.rounds = 1;
  ops.floor = "off";
  std::filesystem::remove(file);  // of the other program
  // absolute, since the shell looks in PATH for a name without a slash
  std::string command =
      quoted(std::filesystem::absolute(program).string()) + " bench ops --json " + quoted(file);
  for (const Field& f : fields(ops))  // all of them, since the other build may have other defaults
    if (f.saved) command += " --" + f.name + " " + quoted(text_of(f));
  if (!shell(command + " >/dev/null")) throw engine::DataError(program + ": bench ops has failed");
  try {
    return read_bench(file);
  } catch (const engine::DataError& e) {
    throw engine::DataError(program + ": " + e.what());
  }
}

// A regular expression that matches the ops with a figure that is not sure yet; the others need no more
// rounds.
std::string unsure_ops(const std::vector<BenchChange>& changes) {
  std::string all;
  std::set<std::string> names;
  for (const BenchChange& c : changes)
    if (!c.sure() && names.insert(c.op).second) {
      all += all.empty() ? "^(" : "|";
      for (const char letter : c.op)
        all += std::strchr("^$\\.*+?()[]{}|", letter) ? std::string("\\") + letter : std::string(1, letter);
    }
  return all + ")$";
}

}  // namespace

int bench_turns(const BenchTurnsOptions& o) {
  require_program("before", o.before);
  require_program("after", o.after);
  const Folder folder;
  BenchOpsOptions ops = o.ops;
  std::vector<nlohmann::json> before, after;
  const auto turn = [&](const std::string& program, std::vector<nlohmann::json>& results) {
    results.push_back(run(program, ops, folder.file("ops.json")));
  };
  BenchComparison all;
  for (int i = 0; i < o.ops.rounds; ++i) {
    if (i % 2 == 0) turn(o.before, before);
    turn(o.after, after);
    if (i % 2 == 1) turn(o.before, before);
    all = compare_benches(before, after, o.find);
    require_rounds(std::size_t(o.ops.rounds),
                   all.changes.size());  // after the first round, since it depends on the number of figures
    std::fprintf(stderr, "round %d of at most %d: %d %% would be found in %zu of %zu figures\n", i + 1,
                 o.ops.rounds, o.find, all.sure(), all.changes.size());
    if (all.sure() == all.changes.size()) break;
    ops.op = unsure_ops(all.changes);
  }
  return print_changes(all, o.find);
}

}  // namespace apps
