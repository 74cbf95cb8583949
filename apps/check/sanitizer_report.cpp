#include "apps/check/sanitizer_report.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>

#include "apps/system/shell.h"

namespace apps {
namespace {

// "scan_kernel" of "void k::(anonymous namespace)::scan_kernel<256, float>(float*)"
std::string short_name(std::string f) {
  const std::string anonymous = "(anonymous namespace)::";
  for (std::size_t at; (at = f.find(anonymous)) != std::string::npos;) f.erase(at, anonymous.size());
  f = f.substr(0, f.find_first_of("(<"));
  f = f.substr(f.rfind(' ') + 1);  // npos + 1 is 0
  return f.substr(f.rfind(':') + 1);
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool of_the_layer(const std::string& path) {
  return path.find("kernels/simt") != std::string::npos || path.find("sanitizer") != std::string::npos ||
         path.find("/include/c++/") != std::string::npos;
}

// One report, as it is read.
struct Finding {
  std::string kind;
  struct Access {
    std::string what, place;
    std::string unknown = {};  // where it is if no frame's file is known: "cards:0xc257 (scan_kernel)"
    std::string thread = {};   // "T5"
  };
  std::vector<Access> accesses;
  std::map<std::string, std::string> names;  // of threads (kernels/simt/thread_name.h)
  std::string running = {};                  // the CUDA thread that ran when a signal or a sanitizer came

  // by_whom: with threads and blocks; without them two findings are the same that are of the same lines.
  std::string text(bool by_whom) const {
    std::string t = kind;
    for (const Access& a : accesses) {
      const std::string& place = a.place.empty() ? a.unknown : a.place;
      if (place.empty()) continue;
      t += (t == kind ? ": " : ", ") + a.what + (a.what.empty() ? "at " : " at ") + place;
      if (by_whom) t += author(a);
    }
    if (by_whom && !running.empty()) t += " by " + running;
    return t;
  }

 private:
  std::string author(const Access& a) const {
    const auto found = names.find(a.thread);
    if (found == names.end()) return "";
    std::string name = found->second;
    if (name.back() != '+') return " by " + name;
    name.pop_back();  // the context has served earlier blocks too
    if (&a == &accesses[0]) return " by " + name;
    return " by " + name.substr(name.find("block")) + " or an earlier one";
  }
};

// Reads a report line by line. A finding ends where the next one begins.
class ReportReader {
 public:
  explicit ReportReader(const FileOf& file_of) : file_of_(file_of) {}

  void read(const std::string& line) {
    if (!begins(line) && !undefined_behaviour(line) && !access(line) && !names_thread(line) && !runs(line) &&
        in_access_ && now_.accesses.back().place.empty())
      frame(line);
  }
  std::vector<std::string> finish() {
    end_finding();
    return std::move(findings_);
  }

 private:
  bool begins(const std::string& line) {
    static const std::regex pattern(
        R"(^(?:==\d+==)?(?:WARNING|ERROR): (Signal|\w+Sanitizer): (.*?)(?: \(pid.*| on (?:unknown )?address.*)?$)");
    std::smatch m;
    if (!std::regex_match(line, m, pattern)) return false;
    end_finding();
    now_.kind = m[2] == "use-after-poison" ? "access out of bounds of shared memory" : m[2].str();
    // the first stack of these has no line of its own before it
    in_access_ = m[1] == "MemorySanitizer" || m[1] == "Signal" || now_.kind == "SEGV";
    if (in_access_) now_.accesses.push_back({m[1] == "MemorySanitizer" ? "read" : "", ""});
    return true;
  }
  bool undefined_behaviour(const std::string& line) {
    static const std::regex pattern(R"(^(.*):(\d+):\d+: runtime error: (.*)$)");
    std::smatch m;
    if (!std::regex_match(line, m, pattern)) return false;
    end_finding();
    now_.kind = m[3].str() + ": at " + file_name(m[1]) + ":" + m[2].str();
    in_access_ = false;
    return true;
  }
  // What crash_report.cpp adds.
  bool runs(const std::string& line) {
    const std::string before = "CUDA thread: ";
    if (line.rfind(before, 0) != 0) return false;
    now_.running = line.substr(before.size());
    return true;
  }
  // The line before the stack of an access, or of what made the memory that it read.
  bool access(const std::string& line) {
    static const std::regex origin(
        R"(^ *(?:Uninitialized value was (stored|created)|Memory was (marked)).*)");
    static const std::regex pattern(
        R"(^ *((?:Previous )?(?:atomic )?(?:read|write|Read|Write|READ|WRITE|Atomic read|Atomic write) of size \d+).*)");
    static const std::regex of_signal(R"(^==\d+==The signal is caused by a (READ|WRITE) memory access.*)");
    static const std::regex thread(R"(.* by thread (T\d+).*)");
    std::smatch m;
    if (std::regex_match(line, m, of_signal)) {
      if (now_.accesses.empty()) return false;
      now_.accesses.back().what = m[1] == "READ" ? "read" : "write";
    } else if (std::regex_match(line, m, origin)) {
      now_.accesses.push_back({m[1].matched ? m[1].str() : "made", ""});
    } else if (std::regex_match(line, m, pattern)) {
      std::string what = m[1];
      std::transform(what.begin(), what.end(), what.begin(),
                     [](unsigned char c) { return char(std::tolower(c)); });
      now_.accesses.push_back({what, ""});
      if (std::regex_match(line, m, thread)) now_.accesses.back().thread = m[1];
    } else {
      return false;
    }
    return in_access_ = true;
  }
  // The name of a thread, or the line before a stack that is of no access.
  bool names_thread(const std::string& line) {
    static const std::regex name(R"(^ *Thread (T\d+) '(thread \([^']*)'.*)");
    static const std::regex other_stack(
        R"(^ *(?:Location|Thread|Mutex|As if|0x[0-9a-f]+ is|SUMMARY|allocated|freed|previously).*)");
    std::smatch m;
    if (std::regex_match(line, m, name))
      now_.names[m[1]] = m[2];
    else if (!std::regex_match(line, m, other_stack))
      return false;
    in_access_ = false;
    return true;
  }
  // A frame of the access's stack: the first one with a file outside of the SIMT layer is its place.
  void frame(const std::string& line) {
    static const std::regex with_file(
        R"(^ *#\d+ (?:0x[0-9a-f]+ in )?(.*) ([^ :]+:\d+)(?::\d+)?(?: \(.*\))?$)");
    static const std::regex without_file(
        R"(^ *#\d+ (?:0x[0-9a-f]+ in )?(.*?)(?: <null>)? \((?:[^()]*\/)?([^()\/]+)\+(0x[0-9a-f]+)\)(?: \(BuildId: .*)?$)");
    std::smatch m;
    std::string file, unknown;
    if (std::regex_match(line, m, with_file)) {
      file = m[2];
    } else if (std::regex_match(line, m, without_file)) {
      unknown = m[2].str() + ":" + m[3].str();
      const auto [known_file, is_new] = files_.try_emplace(unknown);
      if (is_new) known_file->second = file_of_(m[2], m[3]);
      file = known_file->second;
    }
    if (file.empty() || of_the_layer(file)) return;
    Finding::Access& a = now_.accesses.back();
    std::string& place = file == unknown ? a.unknown : a.place;
    if (place.empty()) place = file_name(file) + (m[1] == "?" ? "" : " (" + short_name(m[1]) + ")");
  }

  void end_finding() {
    if (!now_.kind.empty()) add(now_.text(false), now_.text(true));
    now_ = {};
  }
  void add(const std::string& same, const std::string& text) {
    if (known_.insert(same).second) findings_.push_back(text);
  }

  const FileOf& file_of_;
  std::map<std::string, std::string> files_;  // by module and offset, since file_of is slow
  Finding now_;
  bool in_access_ = false;  // the lines are the stack of now_.accesses.back()
  std::set<std::string> known_;
  std::vector<std::string> findings_;
};

}  // namespace

std::string file_in_this_program(const std::string& module, const std::string& offset) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  if (module != file_name(program)) return "";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(
      popen(("addr2line -i -e " + quoted(program) + " " + offset + " 2>/dev/null").c_str(), "r"), pclose);
  static const std::regex place(R"(([^?]+:[1-9]\d*).*\n)");  // "??:0" where it does not know
  char line[4096];
  std::cmatch m;
  std::string found = module + ":" + offset;
  while (out && std::fgets(line, sizeof line, out.get())) {  // from the innermost inlined function outwards
    if (!std::regex_match(line, m, place)) continue;
    found = m[1];
    if (!of_the_layer(found)) break;
  }
  return found;
}

std::vector<std::string> sanitizer_findings(const std::string& report, const FileOf& file_of) {
  ReportReader reader(file_of);
  std::istringstream lines(report);
  for (std::string line; std::getline(lines, line);) reader.read(line);
  return reader.finish();
}

}  // namespace apps
