#include "apps/options/sweep.h"

#include "apps/options/shared.h"

namespace apps {

Fields fields(SweepOptions& o) {
  Field data = data_entry(o.data);
  data.required = false;
  data.help += "; default: that of --config";
  return joined(
      {group("Cells",
             {data,
              config_entry(o.config,
                           "TOML file with options of pretrain that all cells have; others may be given"),
              {.name = "vary",
               .value = &o.vary,
               .help =
                   "Option of pretrain and its values: KEY=V1,V2,... This option may be given several times: "
                   "every combination is a cell. Options that change together: lr+batch=0.1+32,0.2+64"},
              {.name = "seeds",
               .value = &o.seeds,
               .help = "Number of seeds of each combination, from 0 on",
               .low = 1,
               .high = 1000},
              out_entry(o.out, "Folder to write the cells to; each cell is a run in a folder of its own")}),
       group("Evaluation",
             {{.name = "floors",
               .value = &o.floors,
               .help = "Evaluate raw pixels and the untrained encoder as well, in each cell"},
              labels_entry(o.label_file),
              {.name = "no-eval", .value = &o.no_eval, .help = "Leave out the evaluation of the cells"}}),
       group("Execution",
             {jobs_entry(
                  o.jobs,
                  "Number of cells to run at the same time; with several, each gets its part of the cores "
                  "(OMP_NUM_THREADS)",
                  1),
              dry_run_entry(o.dry_run, "Print the commands of all cells, and stop"),
              {.name = "slurm",
               .value = &o.slurm,
               .help =
                   "File to write a Slurm script to instead of running the cells: an array with one task for "
                   "each cell; -: stdout",
               .result = true}})});
}

Fields fields(CompareOptions& o) {
  return group(
      "Result",
      {html_entry(
           o.html,
           "HTML file to write the curves and the table to, one page that needs no network; -: stdout"),
       json_entry(o.json)});
}

Fields fields(ShowOptions& o) {
  return group("Result", {{.name = "tensors",
                           .value = &o.tensors,
                           .help = "List the tensors of the checkpoint with their types and shapes as well"},
                          json_entry(o.json)});
}

}  // namespace apps
