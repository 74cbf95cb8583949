#include "engine/files/file_kind.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace engine {
namespace {

using namespace std::string_view_literals;
using std::string_view;

struct Signature {
  std::size_t at;
  string_view bytes;
  const char* kind;
};

constexpr const char* kTorch = "a PyTorch file";

// The first that matches counts.
constexpr Signature signatures[] = {
    {0, "\xff\xd8\xff"sv, "a JPEG image"},
    {0, "\x89PNG\r\n\x1a\n"sv, "a PNG image"},
    {0, "GIF87a"sv, "a GIF image"},
    {0, "GIF89a"sv, "a GIF image"},
    {0, "II*\0"sv, "a TIFF image"},
    {0, "MM\0*"sv, "a TIFF image"},
    {0, "II+\0"sv, "a TIFF image"},
    {0, "MM\0+"sv, "a TIFF image"},
    {0, "\0\0\0\x0cjP  \r\n\x87\n"sv, "a JPEG 2000 image"},
    {0, "\xff\x4f\xff\x51"sv, "a JPEG 2000 image"},
    {0, "\0\0\0\x0cJXL \r\n\x87\n"sv, "a JPEG XL image"},
    {0, "\xff\x0a"sv, "a JPEG XL image"},
    {0, "8BPS\0"sv, "a Photoshop file"},
    {0, "v/1\x01"sv, "an OpenEXR image"},
    {128, "DICM"sv, "a DICOM file"},
    {0, "%PDF-"sv, "a PDF file"},
    {0, "version https://git-lfs.github.com/spec/"sv,
     "a pointer of Git LFS (`git lfs pull` fetches the file)"},
    {0, "\x1f\x8b"sv, "a gzip archive (not yet unpacked)"},
    {0, "BZh"sv, "a bzip2 archive (not yet unpacked)"},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     "an xz archive (not yet unpacked)"},
    {0, "\x28\xb5\x2f\xfd"sv, "a zstd archive (not yet unpacked)"},
    {0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive (not yet unpacked)"},
    {0, "Rar!\x1a\x07"sv, "a RAR archive (not yet unpacked)"},
    {257, "ustar"sv, "a tar archive (not yet unpacked)"},
    {0, "\x93NUMPY"sv, "a NumPy file"},
    {0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file"},
    {0, "PAR1"sv, "a Parquet file"},
    {0, "ARROW1\0"sv, "an Arrow file"},
    {0, "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."sv, kTorch},  // before PyTorch 1.6
    {0, "\x80\x02"sv, "a Python pickle"},
    {0, "\x80\x03"sv, "a Python pickle"},
    {0, "\x80\x04\x95"sv, "a Python pickle"},
    {0, "\x80\x05\x95"sv, "a Python pickle"},
    {0, "MATLAB 5.0 MAT-file"sv, "a Matlab file"},
};

bool has(string_view bytes, std::size_t at, string_view part) {
  return bytes.size() >= at + part.size() && bytes.substr(at, part.size()) == part;
}

// By the name of the first file in it.
const char* zip_kind(string_view bytes) {
  if (has(bytes, 0, "PK\5\6"sv)) return "an empty zip archive";
  if (!has(bytes, 0, "PK\3\4"sv)) return "";
  const std::size_t length =
      bytes.size() < 30 ? 0
                        : std::size_t(std::uint8_t(bytes[26])) | std::size_t(std::uint8_t(bytes[27])) << 8;
  const string_view first = length == 0 ? ""sv : bytes.substr(30, length);
  if (first.ends_with("/data.pkl")) return kTorch;
  if (first.ends_with(".npy")) return "a NumPy archive (.npz)";
  if (first == "metadata.json" || first == "config.json") return "a Keras file";
  return "a zip archive (not yet unpacked)";
}

// ISO media files: "ftyp", then the main brand and the compatible ones.
const char* media_kind(string_view bytes) {
  if (!has(bytes, 4, "ftyp"sv)) return "";
  const string_view brands = bytes.substr(8, std::min<std::size_t>(bytes.size() - 8, 56));
  const auto named = [&](string_view brand) { return brands.find(brand) != string_view::npos; };
  if (named("avif"sv) || named("avis"sv)) return "an AVIF image";
  if (named("heic"sv) || named("heix"sv) || named("hevc"sv) || named("mif1"sv) || named("msf1"sv) ||
      named("heim"sv))
    return "a HEIC image";
  if (named("crx "sv)) return "a raw photograph (CR3)";
  return "a video";
}

const char* riff_kind(string_view bytes) {
  if (!has(bytes, 0, "RIFF"sv)) return "";
  if (has(bytes, 8, "WEBP"sv)) return "a WebP image";
  return has(bytes, 8, "AVI "sv) ? "a video" : "";
}

// Two letters alone would be too little.
const char* bmp_kind(string_view bytes) {
  return has(bytes, 0, "BM"sv) && has(bytes, 6, "\0\0\0\0"sv) ? "a BMP image" : "";
}

const char* markup_kind(string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf"sv)) bytes.remove_prefix(3);
  std::string text;
  for (const char c : bytes)
    if (!text.empty() || !std::isspace(static_cast<unsigned char>(c)))
      text += char(std::tolower(static_cast<unsigned char>(c)));
  if (text.starts_with("<svg") || (text.starts_with("<?xml") && text.find("<svg") != std::string::npos))
    return "an SVG drawing";
  if (text.starts_with("<!doctype html") || text.starts_with("<html") || text.starts_with("<head"))
    return "an HTML page (of a failed download?)";
  return text.starts_with("<?xml") ? "an XML text (of a failed download?)" : "";
}

// Asked first: the length of the header, below 4 GB, may begin like another format.
const char* safetensors_kind(string_view bytes) {
  return has(bytes, 4, "\0\0\0\0{"sv) ? "a safetensors file" : "";
}

}  // namespace

std::string file_kind(const void* bytes, std::size_t size) {
  const string_view begin(static_cast<const char*>(bytes), std::min(size, file_kind_bytes));
  for (const auto& kind_of : {safetensors_kind, zip_kind, media_kind, riff_kind, bmp_kind, markup_kind})
    if (const char* kind = kind_of(begin); *kind != '\0') return kind;
  for (const Signature& s : signatures)
    if (has(begin, s.at, s.bytes)) return s.kind;
  return "";
}

std::string file_kind_of(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return "";
  std::array<char, file_kind_bytes> begin{};
  struct stat status = {};
  const ssize_t size =
      fstat(file, &status) == 0 && S_ISREG(status.st_mode) ? read(file, begin.data(), begin.size()) : 0;
  close(file);
  return size <= 0 ? "" : file_kind(begin.data(), std::size_t(size));
}

bool is_pytorch_kind(const std::string& kind) { return kind == kTorch; }

}  // namespace engine
