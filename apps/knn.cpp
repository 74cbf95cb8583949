// dyad knn: what the nearest training images say of a test image.
#include "models/knn.h"

#include "apps/commands.h"
#include "apps/evaluation.h"
#include "apps/neighbours.h"
#include "apps/run_directory.h"

namespace apps {

int knn(const KnnOptions& o) {
  const EvaluationOptions e = evaluation_options("knn", o);
  const auto classify = [&](const Features& train, const Features& test, int classes) {
    const models::KnnResult r = models::classify_by_neighbours(
        train.values, train.labels, test.values, classes, {.k = o.k, .temperature = o.temperature});
    return Verdict{.predicted = r.predicted, .details = {{"k", r.k}}};
  };
  const auto inspect = [&](const Features& train, const Features& test, const data::Dataset& train_images,
                           const data::Dataset& test_images) {
    const auto neighbours = nearest_neighbours(train, test, train_images, test_images, 10, 8);
    write_text(o.run + "/neighbours.json", neighbours.dump() + "\n");
  };
  return evaluate(e, {{"temperature", o.temperature}}, classify, inspect);
}

}  // namespace apps
