#include "apps/options/data.h"

#include <charconv>
#include <filesystem>

#include "apps/options/shared.h"

namespace apps {

Fields fields(PreviewOptions& o) {
  Field out = out_file_entry(o.out, "PNG file to write");
  out.required = false;
  out.wrong = [](const std::string& word) -> std::string {
    std::error_code none;
    const bool device = std::filesystem::exists(word, none) && !std::filesystem::is_regular_file(word, none);
    return word.ends_with(".png") || device ? "" : "is " + word + ", expected a name that ends in .png";
  };
  return joined(
      {group("Images", {data_entry(o.data),
                        bad_images_entry(o.bad_images,
                                         "What to do about an image that can't be decoded: stop, "
                                         "or take the next one"),
                        {.name = "images",
                         .value = &o.images,
                         .help = "Number of images; each has a row with its views",
                         .low = 1,
                         .high = 256},
                        seed_entry(o.seed, "Seed of the images and their views"),
                        out}),
       group("Decoding", decoding_fields(o)),
       group("Method", {method_entry(o.method, "Method whose views are drawn; --views chooses others")}),
       view_fields(o)});
}

Fields fields(RecipesOptions& o) {
  return group("Recipes", {{.name = "folder",
                            .value = &o.folder,
                            .help = "Folder of config files to list; default: the one that comes with dyad"},
                           json_entry(o.json)});
}

Fields fields(DataCheckOptions& o) {
  return group("Data", {data_entry(o.data), decoder_threads_entry(o.threads), json_entry(o.json)});
}

namespace {

// "" if the word is keep, raw or jpeg:QUALITY.
std::string wrong_encoding(const std::string& word) {
  int quality = 0;
  const char* const end = word.data() + word.size();
  const bool jpeg = word.starts_with("jpeg:");
  const auto number = std::from_chars(word.data() + (jpeg ? 5 : 0), end, quality);
  const bool right = jpeg && number.ec == std::errc() && number.ptr == end && quality >= 1 && quality <= 100;
  return right || word == "keep" || word == "raw"
             ? ""
             : "is " + word + ", expected keep, raw or jpeg:QUALITY, as jpeg:95";
}

}  // namespace

Fields fields(DataPackOptions& o) {
  return joined({group("Data", {data_entry(o.data),
                                out_entry(o.out, "Folder to write the packed data set to, which must be new"),
                                labels_entry(o.label_file),
                                {.name = "encode",
                                 .value = &o.encode,
                                 .help = "What is stored of an image: its file (keep), its pixels (raw), or "
                                         "a JPEG of its pixels with "
                                         "this quality (jpeg:95)",
                                 .offered = {"keep", "raw", "jpeg:95"},
                                 .wrong = wrong_encoding},
                                {.name = "shorter-side",
                                 .value = &o.shorter_side,
                                 .help = "With raw and jpeg: make larger images smaller, so that their "
                                         "shorter side has this many pixels; "
                                         "0: as they are",
                                 .low = 0,
                                 .high = 16384},
                                {.name = "shard-size",
                                 .value = &o.shard_size,
                                 .help = "Size of a file of images in MiB",
                                 .low = 1,
                                 .high = 1 << 20},
                                decoder_threads_entry(o.threads),
                                bad_images_entry(
                                    o.bad_images,
                                    "What to do about an image that can't be decoded: stop, or leave it out"),
                                json_entry(o.json)}),
                 group("Decoding", decoding_fields(o))});
}

Fields fields(DataUnpackOptions& o) {
  Field data = data_entry(o.data);
  data.help = "Folder of the packed data set";
  return group("Data", {data, out_entry(o.out, "Folder to write the images to, which must be new")});
}

Fields fields(ViewsOptions& o) {
  return group("Views",
               {{.name = "in",
                 .value = &o.in,
                 .help = "Safetensors file with the tensors pixels, U8 (bytes), and views, U8 (N,72): "
                         "kernels/augment/view.h",
                 .required = true},
                out_file_entry(o.out, "Safetensors file to write the tensor levels to, U8 (N,size,size,3)"),
                image_size_entry(o.size, "Side of a view in pixels", 1),
                view_rules_entry(o.view_rules),
                device_entry(o.device),
                kernel_threads_entry(o.threads)});
}

}  // namespace apps
