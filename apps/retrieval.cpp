// dyad retrieval: finds the images of the query's class, or those that a protocol lists, among others.
#include "apps/cli/commands.h"
#include "apps/evaluation/class_retrieval.h"
#include "apps/evaluation/evaluation_images.h"
#include "apps/evaluation/retrieval_protocol.h"
#include "data/files.h"
#include "engine/error.h"
#include "engine/escape.h"

namespace apps {
namespace {

using engine::UsageError;

void refuse_options_of_classes(const RetrievalOptions& o) {
  const RetrievalOptions d;
  const char* given = o.database != d.database       ? "database"
                      : o.split != d.split           ? "split"
                      : o.label_file != d.label_file ? "labels"
                      : o.split_from != d.split_from ? "split-from"
                                                     : nullptr;
  if (given != nullptr)
    throw UsageError(engine::concat_text(
        "--", given, ": the lists of --protocol say which images are searched, expected no --", given));
}

// Each image of one set queries all others of it.
ImageSource one_set() {
  return {.known = {}, .asked = [](const Evaluation& e, const PretrainOptions& run) {
            return e.split == "train" ? training_images(e, run) : train_and_test().asked(e, run);
          }};
}

int by_protocol(const Evaluation& e, const std::string& file) {
  std::shared_ptr<const Protocol> protocol;
  Session session(e, "retrieval", protocol_images(file, protocol));
  // a query that is left out would shift the others' lists
  engine::require_data(session.s.train->size() == protocol->database.size() &&
                           session.test->size() == protocol->queries.size(),
                       e.data, ": an image that --protocol lists can't be decoded");
  ProtocolRetrieval m(file, *protocol);
  return measure(session, m);
}

int by_class(const Evaluation& e, Database database) {
  const bool others = database == Database::others;
  Session session(e, "retrieval", others ? one_set() : train_and_test());
  if (!others) print_images(*session.s.train, *session.test);
  if (others) std::printf("images: %s\n", data::describe(*session.test).c_str());
  ClassRetrieval m(database);
  return measure(session, m);
}

}  // namespace

int retrieval(const RetrievalOptions& o) {
  const Evaluation e{o, "retrieval", o.batch, o.no_floors};
  if (!o.protocol.empty()) {
    refuse_options_of_classes(o);
    return by_protocol(e, o.protocol);
  }
  if (o.split == "train" && o.database == "train")
    throw UsageError("--split train: the training images are the database, expected --database others");
  return by_class(e, o.database == "others" ? Database::others : Database::train);
}

}  // namespace apps
