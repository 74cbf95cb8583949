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

template <class Options>
std::string out_flag(const std::string& file) {
  Options options;
  options.out = file;
  Fields all = fields(options);
  return " --" + entry_of(all, options.out).name + " " + shell_word(file);
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
  return {"export", program_name() + " export" + flag(o, &PretrainOptions::run) +
                        out_flag<ExportOptions>(o.run + "/encoder.safetensors")};
}

NextCommand embed_command(const PretrainOptions& o) {
  return {"features", program_name() + " embed" + flag(o, &PretrainOptions::data) +
                          flag(o, &PretrainOptions::run) +
                          out_flag<EmbedOptions>(o.run + "/features.safetensors") + device_flag(o)};
}

}  // namespace apps
