// Runs dyad on every bad input. Each run must end with the expected exit code, print one line on stderr that
// says what is wrong and where, take less than a second of CPU time (unless it trains) and 256 MB, and change
// no file.
//   bad_inputs DYAD [NAME]   NAME: only inputs whose names contain it, and their lines are printed
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <map>
#include <set>

#include "tests/bad_inputs/bad_input.h"

namespace fs = std::filesystem;

namespace {

struct Outcome {
  int code = 0;  // exit code, or 128 + signal
  double seconds = 0;
  double megabytes = 0;
  std::string line;  // the output on stderr
};

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

Outcome run(const std::string& dyad, const std::vector<std::string>& arguments, const std::string& errors,
            long room) {
  std::vector<char*> words = {const_cast<char*>(dyad.c_str())};
  for (const std::string& a : arguments) words.push_back(const_cast<char*>(a.c_str()));
  words.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    const int nothing = open("/dev/null", O_RDWR),
              file = open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(nothing, 0);
    dup2(nothing, 1);
    dup2(file, 2);
    const rlimit ten_seconds = {10, 10};
    setrlimit(RLIMIT_CPU, &ten_seconds);
    alarm(120);
    if (room > 0) {  // a write beyond the limit fails, as on a full disk
      const rlimit bytes = {rlim_t(room), rlim_t(room)};
      setrlimit(RLIMIT_FSIZE, &bytes);
      signal(SIGXFSZ, SIG_IGN);
    }
    execv(dyad.c_str(), words.data());
    _exit(127);
  }
  int status = 0;
  rusage use = {};
  wait4(child, &status, 0, &use);
  Outcome o;
  o.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  o.seconds = double(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
              double(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
  o.megabytes = double(use.ru_maxrss) / 1024;
  std::ifstream in(errors, std::ios::binary);
  o.line.assign(std::istreambuf_iterator<char>(in), {});
  return o;
}

// Every file below a folder, with its size and time. `training`: without the files of a started run.
std::map<std::string, std::string> listing(const fs::path& folder, bool training) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().lexically_relative(folder).string();
    const std::set<std::string> of_a_run = {"run",
                                            "run/checkpoints",
                                            "run/config.toml",
                                            "run/env.json",
                                            "run/metrics.jsonl",
                                            "run/monitor.jsonl",
                                            "run/train.log",
                                            "run/views.png",
                                            "run/state.json",
                                            "run/usage.jsonl",
                                            "run/report.html"};
    if (training && (of_a_run.contains(name) || name.starts_with("run/events.out.tfevents."))) continue;
    std::string what = std::to_string(int(entry.symlink_status().type()));
    if (entry.symlink_status().type() == fs::file_type::regular)
      what += " " + std::to_string(entry.file_size()) + " " +
              std::to_string(entry.last_write_time().time_since_epoch().count());
    files[entry.path().string()] = what;
  }
  return files;
}

// Whether the parts of `says` between "..." occur in this order.
bool has_parts(const std::string& line, const std::string& says) {
  std::size_t at = 0;
  for (std::size_t part = 0, end = 0; end != std::string::npos; part = end + 3) {
    end = says.find("...", part);
    const std::string text = says.substr(part, end == std::string::npos ? end : end - part);
    at = line.find(text, at);
    if (at == std::string::npos) return false;
    at += text.size();
  }
  return true;
}

// Returns what is wrong with dyad's reaction, or "".
std::string judge(const BadInput& input, const Outcome& o, const std::string& folder, bool unchanged) {
  const std::string says = replace_all(input.says, "DIR", folder);
  if (o.code != input.code)
    return "exit code " + std::to_string(o.code) + ", expected " + std::to_string(input.code);
  if (o.line.empty() || o.line.find('\n') != o.line.size() - 1) return "not one line on stderr";
  if (!o.line.starts_with("dyad")) return "the line does not begin with dyad";
  if (says.empty() || !has_parts(o.line, says)) return "the line does not say: " + says;
  if (!input.training && o.seconds >= 1) return "took " + std::to_string(o.seconds) + " s of CPU time";
  if (o.megabytes >= 256) return "took " + std::to_string(o.megabytes) + " MB";
  if (!unchanged) return "files were written or changed";
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bad_inputs DYAD [NAME]\n");
    return 2;
  }
  const std::string dyad = argv[1], wanted = argc > 2 ? argv[2] : "";
  std::set<std::string> names;
  int failed = 0, tried = 0;
  double slowest = 0, largest = 0;
  for (const auto& [kind, least, inputs] : {std::tuple("images", 130, bad_images()),
                                            {"CIFAR and STL", 25, bad_records()},
                                            {"safetensors", 40, bad_safetensors()},
                                            {"features", 15, bad_embeddings()},
                                            {"config and flags", 30, bad_settings()}}) {
    for (const BadInput& input : inputs) {
      if (input.name.find(wanted) == std::string::npos) continue;
      const Scratch scratch, errors;
      const std::string folder = scratch.folder.string();
      input.make(scratch);
      const auto before = listing(scratch.folder, false);
      std::vector<std::string> arguments;
      for (const std::string& a : input.arguments) arguments.push_back(replace_all(a, "DIR", folder));
      Outcome o = run(dyad, arguments, errors.path("stderr"), input.room);
      if (input.training && o.line.size() > 1) o.line.erase(0, o.line.rfind('\n', o.line.size() - 2) + 1);
      ++tried;
      slowest = std::max(slowest, o.seconds);
      largest = std::max(largest, o.megabytes);
      const std::string line = replace_all(o.line, folder, "DIR");
      std::string wrong = judge(input, o, folder, listing(scratch.folder, input.training) == before);
      if (!names.insert(input.name).second) wrong = "another input has this name";
      if (!wanted.empty() || !wrong.empty()) std::printf("%s\n    %s", input.name.c_str(), line.c_str());
      if (wrong.empty()) continue;
      ++failed;
      std::printf("    FAILED: %s\n", replace_all(wrong, folder, "DIR").c_str());
    }
    if (wanted.empty()) {
      std::printf("%zu of %s\n", inputs.size(), kind);
      if (int(inputs.size()) < least) {
        ++failed;
        std::printf("    FAILED: expected at least %d\n", least);
      }
    }
  }
  std::printf("%d bad inputs, %d taken wrongly; at most %.2f s of CPU time and %.0f MB\n", tried, failed,
              slowest, largest);
  return failed == 0 && tried > 0 ? 0 : 1;
}
