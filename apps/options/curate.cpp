#include "apps/options/curate.h"

#include "apps/options/shared.h"

namespace apps {

Fields fields(CurateOptions& o) {
  Field images = data_entry(o.data);
  images.help = "The images of the embeddings, for thumbnails where the names are not those of image files";
  images.required = false;
  return joined(
      {group("Images",
             {embeddings_entry(
                  o.embeddings,
                  "Features of the images: NAME.safetensors or NAME.npy of dyad embed or dyad export"),
              {.name = "against",
               .value = &o.against,
               .help = "Features of test images by the same encoder: images that are near duplicates of one "
                       "are left out"},
              {.name = "keep-out",
               .value = &o.keep_out,
               .help = "List of images to leave out, such as a left_out.txt: a name or a file in each line"},
              images}),
       group("Near duplicates",
             {{.name = "threshold",
               .value = &o.threshold,
               .help = "Least cosine of near duplicates; auto: 0.95",
               .low = 0,
               .high = 1,
               .automatic = true},
              {.name = "pairs",
               .value = &o.pairs,
               .help = "Take this number of closest pairs for near duplicates instead; 0: the threshold",
               .low = 0,
               .high = 1e7},
              {.name = "prefer",
               .value = &o.prefer,
               .help = "Which image of a group is kept: the first by name, or the largest file; auto: the "
                       "largest where the names are those of files",
               .choices = {"auto", "first", "largest"}}}),
       group("Outliers",
             {{.name = "neighbour",
               .value = &o.neighbour,
               .help = "An image is as isolated as its k-th nearest neighbour is far away: this k",
               .low = 1,
               .high = 1000},
              {.name = "outliers",
               .value = &o.outliers,
               .help = "Share of the most isolated images to leave out",
               .low = 0,
               .high = 0.5}}),
       group("Subset",
             {{.name = "subset",
               .value = &o.subset,
               .help = "Number of images that stand for all that are kept, in subset.txt; 0: none",
               .low = 0,
               .high = 1e7},
              {.name = "by",
               .value = &o.by,
               .help = "k-center: each is the farthest from those before it; cluster: the same number from "
                       "each cluster of k-means, those in the middle first",
               .choices = {"k-center", "cluster"}},
              {.name = "clusters",
               .value = &o.clusters,
               .help = "Number of clusters of --by cluster",
               .low = 1,
               .high = 10000}}),
       group("Result", {out_entry(o.out, "Folder to make: lists of images, curate.json and curate.html"),
                        {.name = "map",
                         .value = &o.map,
                         .help = "Number of images on the page's map; 0: no map",
                         .low = 0,
                         .high = 3000},
                        json_entry(o.json)}),
       group("Machine", {device_entry(o.device)})});
}

}  // namespace apps
