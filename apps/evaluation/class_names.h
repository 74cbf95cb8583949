// Readable names for class folders such as n01440764.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace apps {

// From lines "n01440764 tench, Tinca tinca" of FOLDER/class_names.txt, or of the files that come with
// ImageNet and Tiny-ImageNet, LOC_synset_mapping.txt and words.txt: {"n01440764": "tench, Tinca tinca"} for
// the classes that are listed; {} if there is no such file.
nlohmann::ordered_json readable_class_names(const std::string& folder,
                                            const std::vector<std::string>& classes);

}  // namespace apps
