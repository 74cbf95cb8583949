#include "apps/sweep/slurm.h"

#include "apps/system/shell.h"

namespace apps {

std::string slurm_script(const std::vector<Task>& tasks, const std::string& folder) {
  std::string text = R"(#!/bin/bash
# Written by `dyad sweep`. `sbatch FILE` runs each cell as one task of an array; submitted again, it continues what is not
# finished. Add what your cluster needs: --partition, --time, --cpus-per-task, --gpus-per-task.
#SBATCH --job-name=dyad-sweep
#SBATCH --ntasks=1
#SBATCH --signal=B:USR1@120
#SBATCH --array=0-)" +
                     std::to_string(tasks.size() - 1) + "\ncd " + shell_word(folder) + R"( || exit

# Two minutes before its time is up Slurm signals this script, which passes it on: the training leaves a checkpoint.
trap 'signalled=1; kill -USR1 "$pid"' USR1
run() {
  "$@" &
  pid=$!
  while signalled= ; wait "$pid"; code=$?; [[ $signalled ]]; do :; done
  return "$code"
}
into() { mkdir -p "${1%/*}" && exec >>"$1" 2>&1; }

case $SLURM_ARRAY_TASK_ID in
)";
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    text += "  " + std::to_string(i) + ") into " + shell_word(log_of(tasks[i]));
    for (const List& command : tasks[i].commands) {
      text += " &&\n    run";
      for (const std::string& word : command) text += " " + shell_word(word);
    }
    text += " ;;\n";
  }
  return text +
         "  *) echo \"SLURM_ARRAY_TASK_ID is \\\"$SLURM_ARRAY_TASK_ID\\\", expected the number of a cell\" "
         ">&2; exit 2 ;;\nesac\n";
}

}  // namespace apps
