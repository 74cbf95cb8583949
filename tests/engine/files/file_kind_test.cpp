// Files of other kinds are named by their first bytes.
#include "engine/files/file_kind.h"

#include <doctest/doctest.h>

#include "engine/error.h"
#include "engine/files/safetensors.h"
#include "tests/support/encode.h"
#include "tests/support/encode_stb.h"
#include "tests/support/raw_bytes.h"
#include "tests/support/scratch.h"

namespace {

std::string kind(const std::string& bytes) { return engine::file_kind(bytes.data(), bytes.size()); }

std::string zip_of(const std::string& first) {
  return "PK\3\4" + std::string(22, '\0') + little_endian(std::uint32_t(first.size()), 2) +
         std::string(2, '\0') + first + "data";
}

std::string media(const std::string& brand, const std::string& compatible = "") {
  return big_endian(std::uint32_t(16 + compatible.size())) + "ftyp" + brand + std::string(4, '\0') +
         compatible;
}

}  // namespace

TEST_CASE("file kind: images") {
  CHECK(kind(encode_jpeg(8, 8, std::vector<std::uint8_t>(192))) == "a JPEG image");
  CHECK(kind(encode_png(1, 1, SPNG_COLOR_TYPE_TRUECOLOR, 8, {1, 2, 3})) == "a PNG image");
  CHECK(kind(encode_bmp(1, 2, std::string(8, 'x'))) == "a BMP image");
  CHECK(kind(std::string("RIFF\x24\0\0\0WEBPVP8 ", 16)) == "a WebP image");
  CHECK(kind(media("heic", "mif1heic")) == "a HEIC image");
  CHECK(kind(media("mif1", "avifmif1")) == "an AVIF image");
  CHECK(kind(media("avif")) == "an AVIF image");
  CHECK(kind(media("isom", "mp42")) == "a video");
  CHECK(kind("GIF87a") == "a GIF image");
  CHECK(kind(std::string("MM\0*\0\0\0\x08", 8)) == "a TIFF image");
  CHECK(kind(std::string("\0\0\0\x0cjP  \r\n\x87\n", 12)) == "a JPEG 2000 image");
  CHECK(kind("\xff\x0a\xfa") == "a JPEG XL image");
  CHECK(kind("\xef\xbb\xbf<?xml version=\"1.0\"?>\n<svg>") == "an SVG drawing");
  CHECK(kind(std::string(128, '\0') + "DICM") == "a DICOM file");
}

TEST_CASE("file kind: archives, documents, and what failed downloads leave") {
  CHECK(kind(zip_of("a/1.jpg")) == "a zip archive (not yet unpacked)");
  CHECK(kind("\x1f\x8b\x08") == "a gzip archive (not yet unpacked)");
  CHECK(kind(std::string(257, 'x') + "ustar") == "a tar archive (not yet unpacked)");
  CHECK(kind("%PDF-1.4") == "a PDF file");
  CHECK(kind(" \n<!DOCTYPE HTML>") == "an HTML page (of a failed download?)");
  CHECK(kind("<?xml version=\"1.0\"?><Error>") == "an XML text (of a failed download?)");
  CHECK(kind("version https://git-lfs.github.com/spec/v1\n") ==
        "a pointer of Git LFS (`git lfs pull` fetches the file)");
}

TEST_CASE("file kind: data and weights of other programs") {
  CHECK(kind(zip_of("archive/data.pkl")) == "a PyTorch file");
  CHECK(kind("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.") == "a PyTorch file");
  CHECK(kind("\x80\x02}q\x01(U\x0b"
             "batch_label") == "a Python pickle");
  CHECK(kind(zip_of("features.npy")) == "a NumPy archive (.npz)");
  CHECK(kind("\x93NUMPY\x01") == "a NumPy file");
  CHECK(kind("\x89HDF\r\n\x1a\n") == "an HDF5 file");
  CHECK(kind(zip_of("metadata.json")) == "a Keras file");
  CHECK(kind("PAR1") == "a Parquet file");
  CHECK(kind(safetensors_file("{}")) == "a safetensors file");
  // the length of the header begins as a gzip archive does
  CHECK(kind(safetensors_of_length(0x8b1f, "{\"a\":")) == "a safetensors file");
}

TEST_CASE("file kind: unknown bytes, and files that can't be read, have none") {
  for (const std::string bytes : {"", "B", "BM", "R", "PK", "\x80", "text", "epochs = 3\n", "<", "ftyp"})
    CHECK(kind(bytes) == "");
  CHECK(kind(std::string(4096, '\0')) == "");
  CHECK(kind(std::string(4096, '\xff')) == "");
  const Scratch scratch;
  CHECK(engine::file_kind_of(scratch.path("none")) == "");
  CHECK(engine::file_kind_of(scratch.folder) == "");
  CHECK(engine::file_kind_of(scratch.write("a", "GIF89a")) == "a GIF image");
}

TEST_CASE("a file of torch.save is refused with a command that converts it") {
  const Scratch scratch;
  const std::string path = scratch.write("best.pth.tar", zip_of("best/data.pkl"));
  CHECK(message_of<engine::DataError>([&] { engine::SafetensorsReader reader(path); }) ==
        path +
            ": is a PyTorch file, expected a safetensors file; save it as safetensors: python3 -c \"import "
            "torch, "
            "safetensors.torch as s; c = torch.load('" +
            path +
            "', map_location='cpu'); c = c.get('state_dict', c.get('model', c)); s.save_file({k: "
            "v.clone().contiguous() for k, v in c.items() if torch.is_tensor(v)}, '" +
            scratch.path("best.pth.safetensors") + "')\"");
}
