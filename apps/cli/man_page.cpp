#include "apps/cli/man_page.h"

#include "apps/cli/help.h"

namespace apps {
namespace {

// Text as troff has it: a minus is "\-", and no line begins with a request.
std::string troff(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\')
      escaped += "\\e";
    else if (c == '-')
      escaped += "\\-";
    else
      escaped += c;
  }
  return text.starts_with('.') || text.starts_with('\'') ? "\\&" + escaped : escaped;
}

// What stands for the value: its choices, N for a number, LOW:HIGH, TEXT.
std::string value_of(const Field& f) {
  if (is_switch(f)) return "";
  if (!f.choices.empty()) return range_text(f);
  if (std::holds_alternative<Interval*>(f.value)) return "LOW:HIGH";
  return std::holds_alternative<std::string*>(f.value) || is_list(f) ? "TEXT" : "N";
}

std::string option(const Field& f) {
  std::string text = ".TP\n\\fB\\-\\-" + troff(f.name) + "\\fR";
  if (const std::string value = value_of(f); !value.empty()) text += " \\fI" + troff(value) + "\\fR";
  text += "\n" + troff(f.help) + ".";
  if (f.choices.empty() && !range_text(f).empty() && !is_switch(f))
    text += " Range: " + troff(range_text(f)) + ".";
  if (f.required)
    text += " Required.";
  else if (const std::string value = default_of(f); !value.empty())
    text += " Default: " + troff(value) + ".";
  return text + "\n";
}

std::string section(const Command& c) {
  GeneralOptions general;
  const Fields all = joined({c.fields, general_fields(general, c)});
  std::string text = ".SS dyad " + troff(c.name) + "\n" + troff(c.help) + ".\n";
  if (c.operands != nullptr) text += ".PP\nUsage: \\fBdyad " + c.name + "\\fR " + troff(c.usage) + "\n";
  for (const std::string& heading : headings_of(all)) {
    text += ".PP\n\\fI" + troff(heading) + "\\fR\n";
    for (const Field& f : all)
      if (f.group == heading) text += option(f);
  }
  return text;
}

}  // namespace

std::string man_page(const CommandTable& table) {
  std::string text = R"(.\" Made by `dyad man`.
.TH DYAD 1
.SH NAME
dyad \- SimCLR pretraining and its evaluation
.SH SYNOPSIS
.B dyad
.I COMMAND
[\fIoptions\fR]
.br
.B dyad help
[\fICOMMAND\fR]
.br
.B dyad
\fB\-\-help\fR | \fB\-\-version\fR
.SH DESCRIPTION
dyad learns an encoder from images without labels (SimCLR), evaluates it and exports it. It also checks and times the
kernels that it is made of. An option is written \fB\-\-name value\fR or \fB\-\-name=value\fR; an option without a value
is a switch. Options can also be read from a TOML file (\fB\-\-config\fR), in which each command has a section of its
own; options of the command line win.
.SH COMMANDS
)";
  for (const Command& c : table.commands)
    if (!c.hidden) text += section(c);
  return text + R"(.SH EXIT STATUS
.TP
0
Done.
.TP
1
Failed.
.TP
2
Wrong usage.
.TP
65
Bad data.
.TP
75
Stopped and can be resumed.
.TP
130
Stopped by Ctrl\-C.
)";
}

}  // namespace apps
