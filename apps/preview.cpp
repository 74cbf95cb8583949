// dyad data preview: images and their views, as a PNG file.
#include "data/preview.h"

#include <cstdio>

#include "apps/commands.h"
#include "apps/plan.h"
#include "data/png.h"

namespace apps {

int preview(const PreviewOptions& o) {
  const auto dataset = data::open_dataset(o.data, data::Split::pretrain);
  PretrainOptions training;  // what training would choose
  training.recipe = o.recipe;
  training.size = o.size;
  resolve(training, dataset->kind());
  const data::ViewRecipe recipe = training_recipe(training);
  data::write_png(o.out, data::preview(*dataset, recipe, o.images, training.size, o.seed));
  std::printf("%s: %d images and two views of each, recipe simclr-%s, %d pixels\n", o.out.c_str(), o.images,
              training.recipe.c_str(), training.size);
  return 0;
}

}  // namespace apps
