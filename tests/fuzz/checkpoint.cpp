// Fuzzes resuming from a checkpoint: its metadata, its hash, and the state of a training.
#include "apps/run/checkpoint.h"

#include "tests/fuzz/safetensors_mutator.h"
#include "tests/fuzz/small_training.h"
#include "tests/support/scratch.h"

namespace {

// A mutation never has the right hash. So a wrong hash is replaced by the right one from the error message,
// to fuzz the code that a deliberately crafted checkpoint reaches. "" if there is none to replace.
std::string with_right_hash(std::string file, const std::string& message) {
  const std::string before = "the hash of its contents is ", key = "\"hash\":\"";
  const std::size_t digits = 16, at = message.find(before), place = file.find(key);
  if (at == std::string::npos || place == std::string::npos || place + key.size() + digits > file.size())
    return "";
  return file.replace(place + key.size(), digits, message.substr(at + before.size(), digits));
}

std::string load(const Scratch& scratch, const std::string& file) {
  static const fuzz::SmallTraining training;
  const std::string path = scratch.write("step-00000007.safetensors", file);
  std::optional<apps::Checkpoint> whole;
  const std::string message = fuzz::refusal(path, [&] { whole.emplace(path); });
  if (!whole) return message;
  fuzz::expect(std::to_string(whole->step()) == whole->info().at("step"), "the step that the file says");
  apps::resume_differences(whole->info(), training.options);
  apps::setting_differences(whole->info(), {});
  fuzz::refusal(path,
                [&] { (void)apps::position_in(whole->info(), path, apps::images_in(whole->info(), 100)); });
  fuzz::refusal(
      path, [&] { apps::load_checkpoint(*whole, training.options, training.parameters, training.state); });
  fuzz::refusal(path, [&] { apps::load_parameters(*whole, training.parameters); });
  return "";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch scratch;
  const std::string file(reinterpret_cast<const char*>(bytes), size);
  const std::string right = with_right_hash(file, load(scratch, file));
  if (!right.empty()) load(scratch, right);
  return 0;
}
