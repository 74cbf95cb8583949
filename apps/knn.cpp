// dyad knn: classifies test images by their nearest training images.
#include "apps/cli/commands.h"
#include "apps/evaluation/classifiers.h"
#include "apps/evaluation/neighbours.h"

namespace apps {

int knn(const KnnOptions& o) {
  return evaluate({o, "knn", o.batch, o.no_floors}, {knn_classifier("knn", o.k, o.temperature)}, pictures());
}

}  // namespace apps
