// Fuzzes the config file of a training: keys, values, sections, and the ranges of every option. An accepted
// config is written like a run's config.toml and must read back to the same options.
#include "apps/options/config.h"

#include "apps/options/pretrain.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/scratch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const Scratch scratch;
  const std::string path = scratch.write("run.toml", {reinterpret_cast<const char*>(bytes), size});
  fuzz::refusal(path, [&] {
    apps::PretrainOptions options, again;
    apps::apply_config(path, "pretrain", apps::fields(options));
    const std::string text = apps::config_text("pretrain", apps::fields(options));
    const std::string written = scratch.write("config.toml", text);
    const std::string wrong =
        fuzz::refusal(written, [&] { apps::apply_config(written, "pretrain", apps::fields(again)); });
    fuzz::expect(wrong.empty(), "a configuration that can be read again", wrong);
    fuzz::expect(apps::config_text("pretrain", apps::fields(again)) == text, "the same configuration", text);
  });
  return 0;
}
