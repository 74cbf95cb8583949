// dyad data unpack: the images of a packed data set as files.
#include <cstdio>

#include "apps/cli/commands.h"
#include "apps/system/new_folder.h"
#include "data/files.h"
#include "data/pack/unpack.h"
#include "engine/escape.h"

namespace apps {

int data_unpack(const DataUnpackOptions& o) {
  const NewFolder folder(o.out);
  const std::size_t images = data::unpack(o.data, folder.file(""));
  folder.finish();
  std::printf("%s: %s\n", engine::shown(o.out).c_str(), data::counted(double(images), "image").c_str());
  return 0;
}

}  // namespace apps
