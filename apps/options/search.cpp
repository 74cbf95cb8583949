#include "apps/options/search.h"

#include "apps/options/shared.h"

namespace apps {

Fields fields(IndexOptions& o) {
  return group(
      "Index",
      {embeddings_entry(o.embeddings,
                        "Features of the images to find: a file of dyad embed or dyad export --data"),
       {.name = "kind",
        .value = &o.kind,
        .help = "exact: every row is compared; ivf-pq and hnsw (FAISS): a part of them, so that some "
                "neighbours are missed",
        .choices = {"exact", "ivf-pq", "hnsw"}},
       out_file_entry(o.out, "File to write: NAME.safetensors; FAISS's index is NAME.faiss beside it")});
}

Fields fields(SearchOptions& o) {
  Field bad =
      bad_images_entry(o.bad_images,
                       "What to do about queries that can't be decoded: stop, or leave them out; auto: as "
                       "the pretraining did");
  bad.choices.insert(bad.choices.begin(), "auto");
  return joined(
      {group("Search",
             {run_entry(o.run, "Folder of the pretraining run whose encoder the index is of"),
              checkpoint_entry(o.checkpoint),
              {.name = "index", .value = &o.index, .help = "File of dyad index", .required = true},
              {.name = "query",
               .value = &o.query,
               .help = "Images to look for: one image file, a folder, or a text file that lists images",
               .required = true},
              k_entry(o.k, "Number of neighbours of each image"),
              {.name = "skip-self",
               .value = &o.skip_self,
               .help = "Leave out the query's own row: that of the same name"},
              {.name = "exact",
               .value = &o.exact,
               .help = "Compare every row, also of an ivf-pq or hnsw index"},
              bad,
              batch_entry(o.batch, "Images per forward pass")}),
       group("Machine", {device_entry(o.device), loader_threads_entry(o.threads)}),
       group("Result",
             {html_entry(o.html,
                         "HTML file to write the pictures to, one page that needs no network; -: stdout"),
              json_entry(o.json)})});
}

}  // namespace apps
