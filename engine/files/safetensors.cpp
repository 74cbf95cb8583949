#include "engine/files/safetensors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "engine/files/atomic_file.h"
#include "engine/files/file_kind.h"
#include "engine/files/safetensors_header.h"

namespace engine {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

namespace {

// The rank of a type in the reference's order: largest alignment first.
int order_of(DType t) {
  static constexpr DType order[] = {DType::i64, DType::f64, DType::f32, DType::i32, DType::bf16, DType::u8};
  return int(std::ranges::find(order, t) - std::begin(order));
}

// "c.pth" -> "c.safetensors"
std::string converted_name(const std::string& path) {
  const std::size_t dot = path.rfind('.'), slash = path.rfind('/');
  const bool ending = dot != std::string::npos && (slash == std::string::npos || dot > slash + 1);
  return (ending ? path.substr(0, dot) : path) + ".safetensors";
}

// A command that converts a file of torch.save: the tensors of a dictionary or of its state_dict.
std::string conversion(const std::string& path) {
  return "; save it as safetensors: python3 -c \"import torch, safetensors.torch as s; c = torch.load('" +
         path +
         "', map_location='cpu'); c = c.get('state_dict', c.get('model', c)); s.save_file({k: "
         "v.clone().contiguous() "
         "for k, v in c.items() if torch.is_tensor(v)}, '" +
         converted_name(path) + "')\"";
}

// DataError if the file is of another kind that is known by its first bytes.
void refuse_other_kinds(const std::string& path) {
  const std::string kind = file_kind_of(path);
  require_data(kind.empty() || kind == "a safetensors file", path, ": is ", kind,
               ", expected a safetensors file", is_pytorch_kind(kind) ? conversion(path) : "");
}

}  // namespace

void write_safetensors(const std::string& path, const TensorFile& file) {
  std::vector<const std::pair<std::string, Tensor>*> tensors;
  for (const auto& named : file.tensors) {
    require(named.second.defined(), "write_safetensors: ", path, ": tensor \"", named.first,
            "\" is not defined");
    tensors.push_back(&named);
  }
  std::ranges::sort(tensors, {},
                    [](const auto* t) { return std::make_pair(order_of(t->second.dtype()), t->first); });

  SafetensorsLayout layout{{}, file.metadata};
  std::uint64_t end = 0;
  for (const auto* named : tensors) {
    const Tensor& tensor = named->second;
    const std::uint64_t begin = end;
    end += tensor.bytes();
    layout.tensors.push_back({named->first, safetensors_name(tensor.dtype()), tensor.shape(), begin, end});
  }
  const std::string header = safetensors_header_bytes(layout, "write_safetensors: " + path);

  AtomicFile out(path);
  out.write(header.data(), header.size());
  for (const auto* named : tensors) {
    const Tensor host = named->second.to(cpu);
    out.write(host.raw(), host.bytes());
  }
  out.commit();
}

SafetensorsReader::SafetensorsReader(const std::string& path)
    : path_(path), file_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  require_usable(file_ >= 0, path, ": ", std::strerror(errno), ", expected a safetensors file");
  try {
    struct stat status = {};
    require_usable(fstat(file_, &status) == 0, path, ": ", std::strerror(errno));
    require_usable(S_ISREG(status.st_mode), path, ": not a regular file");
    refuse_other_kinds(path);
    const auto size = static_cast<std::uint64_t>(status.st_size);
    require_data(size >= 8, path, ": ", size, " bytes, expected at least 8: not a safetensors file");
    char first[8];
    read_at(0, first, sizeof first);
    std::string text(safetensors_header_length(first, size, path), '\0');
    read_at(8, text.data(), text.size());
    data_ = 8 + text.size();
    SafetensorsHeader header = parse_safetensors_header(text, size - data_, path);
    metadata_ = std::move(header.metadata);
    entries_ = std::move(header.entries);
  } catch (...) {
    close(file_);
    throw;
  }
}

SafetensorsReader::~SafetensorsReader() { close(file_); }

const TensorEntry* SafetensorsReader::find(const std::string& name) const {
  const auto found = std::ranges::find(entries_, name, &TensorEntry::name);
  return found == entries_.end() ? nullptr : &*found;
}

void SafetensorsReader::read(const TensorEntry& entry, void* to) const {
  read_at(data_ + entry.begin, to, entry.end - entry.begin);
}

void SafetensorsReader::read(const std::string& name, const Tensor& to) const {
  const TensorEntry* entry = find(name);
  require_data(entry != nullptr, path_, ": has no tensor ", name);
  require_data(entry->dtype == to.dtype() && entry->shape == to.shape(), path_, ": ", name, " is ",
               entry->dtype, " ", entry->shape, ", expected ", to.dtype(), " ", to.shape());
  const Tensor host = to.device() == cpu ? to : Tensor(to.shape(), to.dtype(), cpu);
  read(*entry, host.raw());
  if (to.device() != cpu) copy_bytes(to.raw(), to.device(), host.raw(), cpu, to.bytes());
}

void SafetensorsReader::read_at(std::uint64_t offset, void* to, std::size_t bytes) const {
  char* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t n = pread(file_, at, bytes, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    require_usable(n >= 0, path_, ": ", std::strerror(errno));
    require_usable(n > 0, path_, ": was truncated while it was read");
    at += n;
    offset += static_cast<std::uint64_t>(n);
    bytes -= static_cast<std::size_t>(n);
  }
}

TensorFile read_safetensors(const std::string& path) {
  const SafetensorsReader reader(path);
  TensorFile file;
  file.metadata = reader.metadata();
  for (const TensorEntry& entry : reader.entries()) {
    Tensor tensor(entry.shape, entry.dtype, cpu);
    reader.read(entry, tensor.raw());
    file.tensors.emplace_back(entry.name, std::move(tensor));
  }
  return file;
}

}  // namespace engine
