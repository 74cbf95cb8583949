// dyad data preview: draws images and their views into a PNG file.
#include <algorithm>
#include <cstdio>

#include "apps/cli/commands.h"
#include "apps/training/training_data.h"
#include "data/decode/png.h"
#include "data/preview.h"
#include "engine/escape.h"

namespace apps {

int preview(const PreviewOptions& o) {
  const auto dataset = data::open_dataset(o.data, data::Split::pretrain);
  dataset->decode_as(decode_options(o));
  std::printf("%s\n", data::describe(*dataset).c_str());
  PretrainOptions training;  // whose resolve() chooses as a training does
  static_cast<ViewOptions&>(training) = o;
  training.method = o.method;
  resolve(training, dataset->kind());
  const auto bad_images = o.bad_images == "skip" ? data::BadImages::skip : data::BadImages::stop;
  data::write_png(o.out,
                  data::preview(*dataset, recipes_of(training), o.images, training.size, o.seed, bad_images));
  for (const std::string& note : dataset->decoding_notes()) std::printf("%s\n", note.c_str());
  const int shown = int(std::min(dataset->size(), std::size_t(o.images)));
  std::printf("%s: %d %s, recipe %s-%s, %d pixels\n%s\n", engine::shown(o.out).c_str(), shown,
              shown == 1 ? "image and two views of it" : "images and two views of each",
              training.views.c_str(), training.recipe.c_str(), training.size, views_text(training).c_str());
  return 0;
}

}  // namespace apps
