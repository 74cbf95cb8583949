#include "apps/options/machine.h"

#include "apps/options/shared.h"

namespace apps {

Fields fields(InfoOptions& o) {
  return joined(
      {group("Convolutions to list",
             {arch_entry(o.arch, "Encoder architecture"), stem_entry(o.stem, "First layers of the encoder"),
              width_entry(o.width), batch_entry(o.batch, "Number of images"),
              image_size_entry(o.size, "Side of an image in pixels"),
              dtype_entry(o.dtype, "Data type of the activations")}),
       group("Result", {json_entry(o.json)})});
}

Fields fields(CollectivesOptions& o) {
  return joined(
      {rank_fields(o),
       group("Tensors", {{.name = "min-bytes",
                          .value = &o.min_bytes,
                          .help = "Size of the smallest tensor in bytes",
                          .low = 8,
                          .high = kMany},
                         {.name = "max-bytes",
                          .value = &o.max_bytes,
                          .help = "Size of the largest tensor in bytes; each tensor is four times as "
                                  "large as the one before",
                          .low = 8,
                          .high = kMany},
                         dtype_entry(o.dtype, "Data type of the elements")}),
       group("Timing", {repeat_entry(o.repeat, "Timed calls of each collective")}),
       group("Result", {json_entry(o.json)})});
}

}  // namespace apps
