#include "apps/evaluation/session.h"

#include <cstdio>
#include <filesystem>

#include "apps/evaluation/class_names.h"
#include "apps/evaluation/evaluation_images.h"
#include "apps/ranks/ranks.h"
#include "apps/run/checkpoint.h"
#include "apps/run/run_directory.h"
#include "engine/error.h"
#include "engine/escape.h"

namespace apps {
namespace {

using nlohmann::ordered_json;

// Without --data an evaluation uses the images that the run was trained on.
Evaluation with_data_of_run(Evaluation e) {
  if (!e.data.empty()) return e;
  e.data = read_run_options(e.run).data;
  engine::require_data(data::is_there(e.data), e.data, ": is not there; the path is that of ", e.run,
                       "/config.toml, where the training has found its images: name them with --data");
  return e;
}

// Of the names of the result's files: the results of both branches stay beside each other.
std::string suffix_of(const Evaluation& e) { return e.branch == "target" ? "-target" : ""; }

std::vector<std::string> notes_on(const Evaluation& e, const Subject& s, const data::Dataset& test,
                                  bool labelled) {
  std::vector<std::string> notes;
  if (e.branch == "target") notes.emplace_back("the encoder is that of the target network");
  if (s.features.size != s.trained_size)
    notes.push_back(engine::concat_text("images of ", s.features.size,
                                        " pixels; the encoder was trained with ", s.trained_size));
  if (!s.train || !labelled) return notes;
  if (s.options.split_from > 0 && s.train->held_out().empty())
    notes.push_back("these are not the images of the pretraining, whose drawn test split is left aside");
  if (s.classes() == 1) notes.push_back("there is a single class, so every prediction is right");
  if (const std::string note = unknown_classes(*s.train, test); !note.empty()) notes.push_back(note);
  return notes;
}

std::unique_ptr<data::Dataset> opened(const ImageSource::Open& open, const ImageSource& source,
                                      const Evaluation& e, const PretrainOptions& run) {
  auto images = open(e, run);
  if (source.labelled) data::require_labels(*images);
  images->decode_as(decode_options(run));
  return as_bad_images_say(std::move(images), e, run, e.threads);
}

// With one process only: others would write the same files.
const Evaluation& alone(const Evaluation& e) {
  require_one_process(e.command);
  return e;
}

}  // namespace

ImageSource train_and_test() {
  return {.known = training_images, .asked = [](const Evaluation& e, const PretrainOptions& run) {
            auto test = test_images(e, run);
            data::require_labels(*test);
            keep_test_split(e, run, *test);
            return test;
          }};
}

void FrozenEncoder::check(const std::string& who) const {
  if (parameters_.hash("encoder.") != hash_)
    throw EncoderChanged(who + ": the evaluation changed the encoder");
}

Subject::Subject(const Evaluation& e, const ImageSource& source)
    : options(read_run_options(e.run)),
      trained_size(options.size),
      trained(make_method(options, engine::parse_device(e.device))) {
  require_branch(options, e.branch);
  const Checkpoint file = chosen_checkpoint(e.run, e.checkpoint);
  load_parameters(file, trained->parameters, e.branch);
  checkpoint = std::filesystem::path(file.path()).filename().string();
  step = file.step();
  if (e.size > 0) options.size = e.size;
  if (source.known) train = opened(source.known, source, e, options);
  features = {options.recipe,
              options.size,
              e.batch,
              e.threads,
              trained->parameters.device(),
              engine::parse_dtype(options.dtype)};
}

Session::Session(const Evaluation& given, const std::string& name, const ImageSource& source)
    : e(with_data_of_run(alone(given))),
      s(e, source),
      folder(e, name + suffix_of(e) + ".json"),
      test(opened(source.asked, source, e, s.options)),
      frozen_(s.trained->parameters) {
  engine::require_data(!s.train || s.train->classes() == test->classes(), e.data,
                       ": train and test have other classes");
  notes = notes_on(e, s, *test, source.labelled);
}

std::string Session::file_name(const std::string& name) const {
  const std::filesystem::path file = name;
  return file.stem().string() + suffix_of(e) + (file.has_extension() ? file.extension().string() : ".json");
}

void Session::print_notes() const {
  for (const std::string& note : notes) std::printf("note: %s\n", engine::shown(note).c_str());
}

void Session::rows(bool features, const std::function<void(const FeatureRow&)>& f) const {
  const int classes = int(test->classes().size());
  const auto encoded = [&](const char* key, const char* title, const models::Method& method) {
    FeatureRow row{key, title, {}, {}, classes};
    if (!features) return row;
    if (s.train) row.known = encoder_features(method.branch().encoder, *s.train, s.features);
    row.asked = encoder_features(method.branch().encoder, *test, s.features);
    try {
      if (s.train) require_finite(row.known, *s.train, "the encoder's");
      require_finite(row.asked, *test, "the encoder's");
    } catch (const std::runtime_error& error) {
      row.wrong = error.what();
    }
    return row;
  };
  if (!e.no_floors && features)
    f({"raw", "raw pixels", s.train ? raw_pixels(*s.train, s.features) : Features{},
       raw_pixels(*test, s.features), classes});
  if (!e.no_floors) f(encoded("untrained", "untrained encoder", *make_method(s.options, s.features.device)));
  f(encoded("trained", e.branch == "target" ? "target encoder" : "trained encoder", *s.trained));
}

void Session::describe(ordered_json& result, const std::vector<std::string>& all_notes) const {
  frozen_.check(e.command);
  result["checkpoint"] = s.checkpoint;
  result["branch"] = e.branch;
  result["step"] = s.step;
  result["encoder_hash"] = frozen_.hash();
  result["data"] = e.data;
  if (!e.label_file.empty()) result["labels"] = e.label_file;
  result["test_images"] = test->remark().empty() ? test->title() : test->title() + "; " + test->remark();
  result["size"] = s.features.size;
  if (s.train) result["train"] = s.train->size();
  result["test"] = test->size();
  result["classes"] = test->classes();
  result["class_names"] = readable_class_names(e.data, test->classes());
  result["notes"] = all_notes;
  result["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

int measure(Session& session, Measurement& m) {
  session.print_notes();
  session.folder.tell_replaced();
  std::fflush(stdout);
  session.rows(true, [&](const FeatureRow& row) { m.add(row); });
  m.print();
  ordered_json result = {{"command", session.e.command}};
  result.update(m.result());
  session.describe(result, session.notes);
  session.folder.write(session.file_name(m.name()), result);
  if (!session.e.json.empty()) write_json(session.e.json, result);
  session.folder.write_report();
  session.folder.finish();
  if (const std::string failure = m.failure(); !failure.empty())
    throw std::runtime_error("no result could be made: " + failure);
  return 0;
}

}  // namespace apps
