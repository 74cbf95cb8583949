// The files that evaluations leave in a run, as far as the report reads them. They may be damaged, or of
// another program: what is wrong with one is an engine::DataError, and costs its own part of the report.
#pragma once

#include <nlohmann/json.hpp>

namespace apps {

// A result of an evaluation, with "answers" (answers.h) in the place of "confusion".
nlohmann::ordered_json checked_result(nlohmann::ordered_json);
void check_map(const nlohmann::ordered_json&);         // map.json
void check_neighbours(const nlohmann::ordered_json&);  // neighbours.json
void check_retrieval(const nlohmann::ordered_json&);   // retrieval.json

// expected.json, the results of others with the same options:
//   {"source": text, "accuracy": {classifier: share}, "options": {option of pretrain: value},
//    "epoch": [...], "loss": [...]}
// The losses are those at these epochs, which may be fractions; options and both lists may be missing.
void check_expected(const nlohmann::ordered_json&);

}  // namespace apps
