// Which images are not in a list of images, and why: dyad curate writes LIST.json beside each list, and a
// training on the list says it, keeps it in the run, and shows it in the report.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace apps {

struct LeftOut {
  std::string of;                                             // the file that the list was chosen from
  std::int64_t images = 0;                                    // in that file
  std::int64_t listed = 0;                                    // in the list
  std::vector<std::pair<std::string, std::int64_t>> reasons;  // and how many images were left out for each
};

nlohmann::ordered_json left_out_json(const LeftOut&);
// DataError if it is of another form.
LeftOut left_out_in(const nlohmann::ordered_json&);

std::string left_out_file(const std::string& list);  // LIST.json

// A line for the training's log: what was left out of the list, or what is wrong with its file; "" if `data`
// is no list, or has no such file. images: how many the list has now.
std::string left_out_line(const std::string& data, std::int64_t images);

// Copies the list's file to RUN/left_out.json; removes an old copy if there is none.
void keep_left_out(const std::string& run, const std::string& data);

}  // namespace apps
