// Saves a checkpoint of a small model as a training does, or prints the newest one.
//   save_checkpoint save RUN STEP    exit code 1 and one line if it fails
//   save_checkpoint naive RUN STEP   the same bytes by a naive writer, to show that the faults expose it
//   save_checkpoint newest RUN       like a start: removes temporary files, prints the newest step
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>

#include "apps/run/checkpoint.h"
#include "apps/run/model.h"
#include "engine/files/atomic_file.h"

namespace {

apps::PretrainOptions small(const std::string& run) {
  apps::PretrainOptions o;
  o.run = run;
  o.arch = "resnet10";
  o.width = 0.0625;
  o.out_dim = 4;
  apps::resolve(o, true);
  return o;
}

void arm() {
  if (void* f = dlsym(RTLD_DEFAULT, "dyad_arm_faults")) reinterpret_cast<void (*)()>(f)();
}

void save(const std::string& run, long step, bool faulty = true) {
  const apps::PretrainOptions o = small(run);
  const auto method = apps::make_method(o, engine::cpu);
  std::filesystem::create_directories(run + "/checkpoints");
  if (faulty) arm();
  apps::save_checkpoint(apps::checkpoint_path(run, step), o, method->parameters, {}, {step});
  apps::keep_newest(run, 1, step);
}

// Overwrites the last checkpoint in place, 4 KiB at a time, without fsync or rename.
void naive(const std::string& run, long step) {
  const std::string scratch = run + "/scratch";
  save(scratch, step, false);
  std::ifstream in(apps::checkpoint_path(scratch, step), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  std::filesystem::remove_all(scratch);
  std::filesystem::create_directories(run + "/checkpoints");
  arm();
  const int file =
      open((run + "/checkpoints/step-00000001.safetensors").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  for (std::size_t at = 0; at < bytes.size(); at += 4096)
    if (write(file, bytes.data() + at, std::min<std::size_t>(4096, bytes.size() - at)) < 0)
      throw std::runtime_error("naive: can't write");
  close(file);
}

int newest(const std::string& run) {
  engine::remove_temporary_files(run + "/checkpoints");
  arm();
  const auto newest = apps::newest_checkpoint(run);
  if (!newest) return std::puts("none"), 1;
  std::printf("%ld\n", newest->step());
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count > 2 ? arguments[1] : "";
  try {
    if (what == "newest") return newest(arguments[2]);
    if (what == "save" && count > 3) return save(arguments[2], std::stol(arguments[3])), 0;
    if (what == "naive" && count > 3) return naive(arguments[2], std::stol(arguments[3])), 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "save_checkpoint: %s\n", e.what());
    return 1;
  }
  std::fprintf(stderr, "usage: save_checkpoint save|naive RUN STEP, save_checkpoint newest RUN\n");
  return 2;
}
