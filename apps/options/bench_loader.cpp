#include "apps/options/bench_loader.h"

#include "apps/options/shared.h"

namespace apps {

Fields fields(BenchLoaderOptions& o) {
  return joined(
      {group("Images",
             {data_entry(o.data), batch_entry(o.batch, "Images in a batch"), decoder_threads_entry(o.threads),
              seed_entry(o.seed, "Seed of the order and of the views")}),
       group("Timing", {repeat_entry(o.repeat, "Rounds; each one measures every way of decoding once"),
                        steps_entry(o.steps, "Batches of a measurement, at most one pass over the images"),
                        json_entry(o.json)}),
       group("Decoding", decoding_fields(o)), view_fields(o)});
}

}  // namespace apps
