// dyad curate: near duplicates, outliers, a diverse subset, and images that a test set has too.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "apps/cli/commands.h"
#include "apps/curation/curation_page.h"
#include "apps/run/run_directory.h"
#include "apps/system/new_folder.h"
#include "data/files.h"
#include "engine/error.h"
#include "engine/escape.h"

namespace apps {
namespace {

using engine::concat_text;
using nlohmann::ordered_json;

std::string counted_images(std::int64_t n) { return data::counted(double(n), "image"); }

std::string summary_of(const LeftOut& l, const Curation& c) {
  std::string text = concat_text("kept: ", counted_images(l.listed), " of ",
                                 data::with_commas(std::uint64_t(l.images)), "\n");
  for (const auto& [why, count] : l.reasons)
    text += concat_text("left out: ", counted_images(count), ", ", engine::shown(why), "\n");
  if (!c.groups.empty())
    text +=
        concat_text("near duplicates: ", data::counted(double(c.groups.size()), "group"), ", the largest of ",
                    counted_images(std::int64_t(c.groups.front().rows.size())), "\n");
  std::string higher;
  for (const auto& [threshold, count] : c.at_higher)
    higher +=
        concat_text(higher.empty() ? "" : ", ", data::with_commas(std::uint64_t(count)), " at ", threshold);
  if (!higher.empty()) text += "near duplicates at a higher --threshold: " + higher + "\n";
  if (!c.subset.rows.empty())
    text += concat_text("subset: ", counted_images(std::int64_t(c.subset.rows.size())),
                        "; every kept image has one within 1 - cosine = ", c.subset.radius, "\n");
  // Chains of pairs that join what is not alike: a sign of a threshold that is too low for this encoder.
  if (!c.groups.empty() && c.groups.front().rows.size() * 10 > c.why.size() &&
      c.groups.front().rows.size() > 10)
    text += concat_text(
        "note: the largest group has more than a tenth of all images: chains of pairs join "
        "images that are not alike; look at the page, and choose a higher --threshold\n");
  return text;
}

// The lists, each with a line for an image in the order of the file.
class Lists {
 public:
  Lists(const NewFolder& folder, const EmbeddingFile& images)
      : folder_(folder), images_(images), is_file_(names_files(images)) {}

  void write(const std::string& name, std::vector<std::int32_t> rows) const {
    std::ranges::sort(rows);
    std::string text;
    for (const std::int32_t row : rows) text += listed_name(images_, row, is_file_) + "\n";
    write_text(folder_.file(name), text);
  }
  void write(const std::string& name, const Curation& c, const std::vector<Why>& wanted) const {
    std::vector<std::int32_t> rows;
    for (std::size_t row = 0; row < c.why.size(); ++row)
      if (std::ranges::find(wanted, c.why[row]) != wanted.end()) rows.push_back(std::int32_t(row));
    if (!rows.empty()) write(name, rows);
  }

 private:
  const NewFolder& folder_;
  const EmbeddingFile& images_;
  const bool is_file_;
};

}  // namespace

int curate(const CurateOptions& o) {
  const auto begun = std::chrono::steady_clock::now();
  const EmbeddingFile images(o.embeddings);
  std::unique_ptr<const EmbeddingFile> against;
  if (!o.against.empty()) against = std::make_unique<const EmbeddingFile>(o.against);
  Thumbnails pictures(o.data);
  const NewFolder folder(o.out);
  std::printf("curate: %s, features of %lld values\n", counted_images(images.rows()).c_str(),
              static_cast<long long>(images.width()));
  std::fflush(stdout);
  const Curation c = curate_images(o, images, against.get());
  const LeftOut left = left_out_of(o, c);
  const std::string summary = summary_of(left, c);
  std::printf("%s", summary.c_str());

  const Lists lists(folder, images);
  lists.write("kept.txt", c, {Why::kept});
  write_json(folder.file("kept.txt.json"), left_out_json(left), 1);
  lists.write("left_out.txt", c, {Why::listed, Why::leaked, Why::duplicate, Why::outlier});
  lists.write("duplicates.txt", c, {Why::duplicate});
  lists.write("leaked.txt", c, {Why::leaked});
  lists.write("outliers.txt", c, {Why::outlier});
  if (o.subset > 0) {
    lists.write("subset.txt", c.subset.rows);
    LeftOut of_subset = left;
    of_subset.listed = std::int64_t(c.subset.rows.size());
    if (left.listed > of_subset.listed)
      of_subset.reasons.emplace_back("not chosen for a diverse subset (" + o.by + ")",
                                     left.listed - of_subset.listed);
    write_json(folder.file("subset.txt.json"), left_out_json(of_subset), 1);
  }
  ordered_json result = curation_json(o, c, images, against.get());
  write_text(folder.file("curate.html"), curation_page(o, c, images, against.get(), pictures, summary));
  result["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  write_json(folder.file("curate.json"), result, 1);
  folder.finish();
  if (!o.json.empty()) write_json(o.json, result, 1);
  if (!names_files(images))
    std::printf("note: %s is no image file here, so dyad pretrain --data can't read these lists\n",
                engine::shown(std::string(images.name(0))).c_str());
  if (pictures.missing() > 0)
    std::printf("note: %s can't be read for the page; --data names their data set\n",
                counted_images(pictures.missing()).c_str());
  std::printf("lists: %s/kept.txt ...; page: %s/curate.html\n", engine::shown(o.out).c_str(),
              engine::shown(o.out).c_str());
  return 0;
}

}  // namespace apps
