// The walk through a folder of images. Every entry is either taken or counted as passed over.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "data/formats/passed_over.h"

namespace data {

class Walk {
 public:
  // root: names of files that are passed over are relative to it.
  explicit Walk(std::filesystem::path root) : root_(std::move(root)) {}

  struct Level {
    std::vector<std::string> folders;  // names, in byte order
    std::vector<std::string> images;   // paths, in byte order
  };
  // The entries of one folder.
  Level level(const std::filesystem::path& folder);

  // Appends the images at any depth below a folder, in byte order of their paths. Links to folders are
  // followed, as by torchvision, except those to a folder above and second links to the same folder.
  // DataError if a folder below holds a training and a test split.
  void add_images(const std::filesystem::path& folder, std::vector<std::string>& files);

  // Whether there is an image at any depth. It passes over nothing.
  static bool any_image(const std::filesystem::path& folder);

  void pass(const std::string& reason, const std::filesystem::path& file);
  const PassedOver& passed_over() const { return passed_over_; }

 private:
  enum class Entry { folder, image, passed };
  Entry judge(const std::filesystem::directory_entry&);
  bool leads_above(const std::filesystem::path& folder, const std::filesystem::path& target) const;
  bool may_follow(const std::filesystem::path& folder, const std::filesystem::path& link);
  void descend(const std::filesystem::path& folder, std::vector<std::string>& files);

  std::filesystem::path root_;
  PassedOver passed_over_;
  std::set<std::filesystem::path> followed_;    // targets of links, in this call of add_images()
  std::vector<std::filesystem::path> holders_;  // folders of the links that are being followed
};

// Whether the name ends as that of an image that dyad reads, in any case.
bool has_image_ending(const std::filesystem::path& file);

// ".jpg, .jpeg, ... or .tga files"
std::string expected_endings();

}  // namespace data
