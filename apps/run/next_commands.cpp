#include "apps/run/next_commands.h"

#include <fstream>

#include "apps/system/shell.h"

namespace apps {
namespace {

// A flag by the name of its entry, and its value.
template <class T, class Group>
std::string flag(PretrainOptions o, T Group::*member) {
  Fields all = fields(o);
  const Field& f = entry_of(all, o.*member);
  return " --" + f.name + " " + shell_word(text_of(f));
}

std::string device_flag(const PretrainOptions& o) {
  return o.device == "cpu" ? "" : flag(o, &PretrainOptions::device);
}

}  // namespace

std::string program_name() {
  std::ifstream file("/proc/self/cmdline");
  std::string name;
  std::getline(file, name, '\0');
  return shell_word(name.empty() ? "dyad" : name);
}

NextCommand continue_command(const PretrainOptions& o, const std::string& launch) {
  PretrainOptions next = o;
  next.resume = "auto";
  // ranks that --ranks has started are below mpirun too
  return {"continue", (o.ranks > 1 ? "" : launch) + program_name() + " pretrain" +
                          flag(o, &PretrainOptions::run) + flag(next, &PretrainOptions::resume) +
                          (o.ranks > 1 ? flag(o, &PretrainOptions::ranks) : "")};
}

NextCommand evaluate_command(const PretrainOptions& o) {
  return {"evaluate", program_name() + " eval" + flag(o, &PretrainOptions::data) +
                          (o.label_file.empty() ? "" : flag(o, &PretrainOptions::label_file)) +
                          flag(o, &PretrainOptions::run) + device_flag(o)};
}

NextCommand export_command(const PretrainOptions& o) {
  ExportOptions e;
  e.out = o.run + "/encoder.safetensors";
  Fields all = fields(e);
  const Field& out = entry_of(all, e.out);
  return {"export", program_name() + " export" + flag(o, &PretrainOptions::run) + " --" + out.name + " " +
                        shell_word(e.out)};
}

}  // namespace apps
