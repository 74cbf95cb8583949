#include "apps/run/encoder_file.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <vector>

#include "apps/run/checkpoint.h"
#include "apps/run/encoder_names.h"
#include "apps/run/file_layout.h"
#include "data/views.h"
#include "engine/files/hash.h"
#include "engine/ops.h"
#include "engine/tape.h"

namespace apps {
namespace {

using engine::concat_text;
using engine::DType;
using engine::require_data;
using engine::Tensor;

const std::string kEncoder = "encoder.";

bool floating(DType t) { return t == DType::f32 || t == DType::f64 || t == DType::bf16; }

// A parameter of the encoder and the tensor of the file for it.
struct Match {
  const engine::Parameter* parameter;
  const engine::TensorEntry* entry;
};

void check(const std::string& path, const Match& m, const ModelOptions& o) {
  const Tensor& wanted = m.parameter->value;
  const engine::Shape shape = file_shape(wanted, m.parameter->filter);
  const bool type = floating(wanted.dtype()) ? floating(m.entry->dtype) : m.entry->dtype == wanted.dtype();
  const bool stem = m.parameter->name == kEncoder + "conv1.weight" && m.entry->shape != shape;
  require_data(m.entry->shape == shape && type, path, ": ", m.entry->name, " is ", m.entry->dtype, " ",
               m.entry->shape, ", expected ", floating(wanted.dtype()) ? "floating" : name(wanted.dtype()),
               " ", shape, " for --arch ", o.arch, stem ? concat_text(" --stem ", o.stem) : "");
}

void fill(const Match& m, const std::vector<char>& bytes) {
  const Tensor saved(m.entry->shape, m.entry->dtype, engine::cpu);
  std::copy(bytes.begin(), bytes.end(), static_cast<char*>(saved.raw()));
  const engine::NoGrad no_grad;
  const DType wanted = m.parameter->value.dtype();
  const Tensor converted = saved.dtype() == wanted ? saved : engine::cast(saved, wanted);
  from_file(converted.raw(), m.parameter->value.detach(), m.parameter->filter);
}

// A classifier, or the projection head that MoCo and SimSiam put in its place: "fc.weight", "fc.0.weight".
bool is_head(const std::string& name) {
  return name == "fc.weight" || name == "fc.bias" ||
         (name.starts_with("fc.") && name.size() > 3 && name[3] >= '0' && name[3] <= '9');
}

// The file's other tensors. DataError if one of them is a part of the encoder that this architecture has not.
std::vector<std::string> others(const engine::SafetensorsReader& file, const std::string& path,
                                const EncoderNames& names, const std::set<std::string>& known,
                                const ModelOptions& o) {
  std::vector<std::string> list;
  const bool checkpoint = names.prefix == kEncoder && file.metadata().contains("hash");
  for (const engine::TensorEntry& e : file.entries()) {
    const bool inside = e.name.starts_with(names.prefix);
    if (known.contains(e.name) || (checkpoint && !inside)) continue;
    const std::string own = inside ? e.name.substr(names.prefix.size()) : "";
    const bool of_encoder = names.sequential       ? std::isdigit(static_cast<unsigned char>(own[0])) != 0
                            : names.prefix.empty() ? !is_head(own)
                                                   : own.starts_with("conv1.") || own.starts_with("bn1.") ||
                                                         own.starts_with("layer");
    require_data(!inside || !of_encoder, path, ": has a tensor ", e.name, ", which --arch ", o.arch,
                 " has not");
    list.push_back(e.name);
  }
  return list;
}

}  // namespace

engine::TensorFile encoder_tensors(const engine::Parameters& parameters) {
  engine::TensorFile file;
  for (const engine::Parameter& p : parameters.list())
    if (p.name.starts_with(kEncoder))
      file.tensors.emplace_back(p.name.substr(kEncoder.size()), to_file(p.value.detach(), p.filter));
  return file;
}

std::map<std::string, std::string> encoder_metadata(const PretrainOptions& o,
                                                    const engine::Parameters& parameters, long step) {
  const data::Normalization n = data::view_recipe(o.recipe).normalization;
  const auto three = [](const double(&v)[3]) { return concat_text(v[0], ",", v[1], ",", v[2]); };
  return {{"arch", o.arch},
          {"stem", o.stem},
          {"width", concat_text(o.width)},
          {"size", std::to_string(o.size)},
          {"mean", three(n.mean)},
          {"std", three(n.std)},
          {"step", std::to_string(step)},
          {"encoder_hash", engine::hash_text(parameters.hash(kEncoder))}};
}

std::string load_encoder(const std::string& path, const ModelOptions& o,
                         const engine::Parameters& parameters) {
  const engine::SafetensorsReader file(path);
  std::vector<std::string> needed;  // under torchvision's names
  for (const engine::Parameter& p : parameters.list())
    if (p.name.starts_with(kEncoder) && p.value.dtype() != DType::i64)
      needed.push_back(p.name.substr(kEncoder.size()));
  const EncoderNames names = encoder_names(file, path, needed);

  std::vector<Match> matches;
  std::set<std::string> known;
  std::size_t counters = 0;
  for (const engine::Parameter& p : parameters.list()) {
    if (!p.name.starts_with(kEncoder)) continue;
    const std::string name = names.of(p.name.substr(kEncoder.size()));
    const Match m{&p, file.find(name)};
    known.insert(name);
    if (m.entry == nullptr && p.value.dtype() == DType::i64) {
      ++counters;
      continue;
    }
    require_data(
        m.entry != nullptr, path, ": has no tensor ", name, ", which --arch ", o.arch,
        " needs: expected the names of torchvision, with one prefix or none, or a checkpoint of dyad");
    check(path, m, o);
    matches.push_back(m);
  }
  const std::string passed_over = summary_of(others(file, path, names, known, o));

  if (file.metadata().contains("hash")) {
    std::multimap<std::string, const Match*> to;
    for (const Match& m : matches) to.emplace(m.entry->name, &m);
    read_whole(file, path, [&](const engine::TensorEntry& e, const std::vector<char>& bytes) {
      for (auto [m, end] = to.equal_range(e.name); m != end; ++m) fill(*m->second, bytes);
    });
  } else {
    for (const Match& m : matches) {
      std::vector<char> bytes(m.entry->end - m.entry->begin);
      file.read(*m.entry, bytes.data());
      fill(m, bytes);
    }
  }
  const bool own = names.prefix.empty() || names.prefix == kEncoder;
  return concat_text("the encoder begins with ", matches.size(), " tensors of ", path,
                     own ? "" : " (prefix " + names.prefix + ")",
                     passed_over.empty() ? "" : "; passed over " + passed_over,
                     counters > 0 ? "; it counts batches from 0" : "");
}

}  // namespace apps
