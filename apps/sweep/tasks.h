// Tasks that run beside each other, each a few commands in turn.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/options/fields.h"

namespace apps {

struct Task {
  std::string name;
  std::string folder;          // is made; its sweep.log gets what the commands print
  std::vector<List> commands;  // the words of each; the next one is started if the one before ended with 0
};

struct Outcome {
  enum Kind { not_started, running, finished, failed, stopped } kind = not_started;
  int code = 0;        // of the command that failed
  std::string reason;  // its last line
};

struct Outcomes {
  std::vector<Outcome> of;  // each task
  int signal = 0;           // that stopped them; 0: none
};

// Runs all tasks, `jobs` at a time; with several jobs each command gets its part of the cores. SIGINT,
// SIGTERM, SIGUSR1 and SIGHUP are passed on to the running commands, which are waited for, and nothing more
// is started. The commands get SIGTERM if this process dies. tell: called when a task starts, and when it has
// ended.
Outcomes run_tasks(const std::vector<Task>&, int jobs,
                   const std::function<void(std::size_t task, const Outcome&)>& tell);

std::string log_of(const Task&);        // the path of its sweep.log
std::string command_text(const Task&);  // for a shell: its commands, with && between them

}  // namespace apps
