// dyad knn: what the nearest training images say of a test image.
#include "apps/classifiers.h"
#include "apps/commands.h"
#include "apps/neighbours.h"

namespace apps {

int knn(const KnnOptions& o) {
  return evaluate(evaluation_options("knn", o), {knn_classifier("knn", o.k, o.temperature)},
                  write_pictures(o.run));
}

}  // namespace apps
