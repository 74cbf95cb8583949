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

  // by_whom: with threads and blocks; without them two findings are the same that are of the same lines.
  std::string text(bool by_whom) const {
    std::string t = kind;
    for (const Access& a : accesses) {
      const std::string& place = a.place.empty() ? a.unknown : a.place;
      if (place.empty()) continue;
      t += (t == kind ? ": " : ", ") + a.what + (a.what.empty() ? "at " : " at ") + place;
      if (by_whom) t += author(a);
    }
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
  static const std::regex begin(
      R"(^(?:==\d+==)?(?:WARNING|ERROR): (\w+)Sanitizer: (.*?)(?: \(pid.*| on (?:unknown )?address.*)?$)");
  static const std::regex origin(R"(^ *(?:Uninitialized value was (stored|created)|Memory was (marked)).*)");
  static const std::regex access(
      R"(^ *((?:Previous )?(?:atomic )?(?:read|write|Read|Write|READ|WRITE|Atomic read|Atomic write) of size \d+).*)");
  static const std::regex thread(R"(.* by thread (T\d+).*)");
  static const std::regex thread_name(R"(^ *Thread (T\d+) '(thread \([^']*)'.*)");
  static const std::regex other_stack(
      R"(^ *(?:Location|Thread|Mutex|As if|0x[0-9a-f]+ is|SUMMARY|allocated|freed|previously).*)");
  static const std::regex frame(R"(^ *#\d+ (?:0x[0-9a-f]+ in )?(.*) ([^ :]+:\d+)(?::\d+)?(?: \(.*\))?$)");
  static const std::regex frame_without_file(
      R"(^ *#\d+ (.*) <null> \(([^()]+)\+(0x[0-9a-f]+)\)(?: \(BuildId: .*)?$)");
  static const std::regex undefined(R"(^(.*):(\d+):\d+: runtime error: (.*)$)");

  std::vector<std::string> findings;
  std::set<std::string> known;
  const auto add = [&](const std::string& same, const std::string& text) {
    if (known.insert(same).second) findings.push_back(text);
  };
  std::map<std::string, std::string> files;  // of frames without, as file_of is slow
  Finding now;
  const auto finish = [&] {
    if (!now.kind.empty()) add(now.text(false), now.text(true));
    now = {};
  };
  std::istringstream lines(report);
  std::smatch m;
  bool in_access = false;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, m, begin)) {
      finish();
      now.kind = m[2];
      in_access = m[1] == "Memory";  // whose first stack follows without a line of its own
      if (in_access) now.accesses.push_back({"read", ""});
    } else if (std::regex_match(line, m, origin)) {
      now.accesses.push_back({m[1].matched ? m[1].str() : "made", ""});
      in_access = true;
    } else if (std::regex_match(line, m, undefined)) {
      finish();
      const std::string text = m[3].str() + ": at " + file_name(m[1]) + ":" + m[2].str();
      add(text, text);
    } else if (std::regex_match(line, m, access)) {
      std::string what = m[1];
      std::transform(what.begin(), what.end(), what.begin(),
                     [](unsigned char c) { return char(std::tolower(c)); });
      now.accesses.push_back({what, ""});
      if (std::regex_match(line, m, thread)) now.accesses.back().thread = m[1];
      in_access = true;
    } else if (std::regex_match(line, m, thread_name)) {
      now.names[m[1]] = m[2];
      in_access = false;
    } else if (std::regex_match(line, m, other_stack)) {
      in_access = false;
    } else if (in_access && now.accesses.back().place.empty()) {
      std::string file, unknown;
      if (std::regex_match(line, m, frame)) {
        file = m[2];
      } else if (std::regex_match(line, m, frame_without_file)) {
        unknown = m[2].str() + ":" + m[3].str();
        const auto [known_file, is_new] = files.try_emplace(unknown);
        if (is_new) known_file->second = file_of(m[2], m[3]);
        file = known_file->second;
      }
      if (file.empty() || of_the_layer(file)) continue;
      Finding::Access& a = now.accesses.back();
      std::string& place = file == unknown ? a.unknown : a.place;
      if (place.empty()) place = file_name(file) + " (" + short_name(m[1]) + ")";
    }
  }
  finish();
  return findings;
}

}  // namespace apps
