#!/usr/bin/env bash
# Copies the headers and libraries that a build needs, apart from a compiler, CMake and NVIDIA's toolkit, from this
# machine's Debian packages into one folder, for a machine where nothing can be installed. CMake finds them with
# -DCMAKE_PREFIX_PATH=FOLDER. oneDNN, MPI, libwebp, libtiff and giflib are left out;
# configure such a build without them (CMake does so by itself for the last three).
#   scripts/lab/carry.sh FOLDER
set -euo pipefail
. "$(dirname "$0")/../help.sh"
[[ $# == 1 && $1 != -* ]] || { echo "usage: scripts/lab/carry.sh FOLDER" >&2; exit 2; }
[[ ! -e $1 || -f $1/dyad-carry || -z $(ls -A "$1") ]] ||
  { echo "carry: $1 exists and was not made by this script, expected an empty or a new folder" >&2; exit 1; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."

packages=(libjpeg62-turbo-dev libspng-dev libstb-dev libcli11-dev nlohmann-json3-dev libeigen3-dev doctest-dev)
most=$((40 << 20))  # limit of the folder's size in bytes

failed() { echo "carry: $*" >&2; exit 1; }
rm -rf "${folder:?}/include" "${folder:?}/lib"
touch "$folder/dyad-carry"
mkdir -p "$folder/include" "$folder/lib"

# header FILE: copies it to the same path below include/, without Debian's architecture folder
header() {
  local below=${1#/usr/include/}
  below=${below#x86_64-linux-gnu/}
  mkdir -p "$folder/include/$(dirname "$below")"
  cp -L "$1" "$folder/include/$below"
}
files_of() {
  dpkg -L "$1" 2>/dev/null || failed "the package $1 is not installed; scripts/install.sh installs it"
}

for package in "${packages[@]}"; do
  files=$(files_of "$package")
  while read -r file; do
    [[ -f $file ]] || continue
    case $file in
      /usr/include/*) header "$file" ;;
      */libjpeg.a) cp -L "$file" "$folder/lib/" ;;
      # Debian has no static libspng: copied under its link-time and its runtime name
      */libspng.so) cp -L "$file" "$folder/lib/libspng.so" && cp -L "$file" "$folder/lib/libspng.so.0" ;;
    esac
  done <<<"$files"
done

# From Boost, only the headers that Boost.Context's fcontext includes, and the configuration headers of all compilers
# and platforms.
files_of libboost-context-dev >/dev/null
fcontext='#include <boost/context/detail/fcontext.hpp>'
boost=$(g++ -std=c++20 -M -x c++ - <<<"$fcontext" | grep -o '/usr/include/boost/[^ ]*')
for file in $boost $(find /usr/include/boost/config -name '*.hpp'); do header "$file"; done
cp -L "$(g++ -print-file-name=libboost_context.a)" "$folder/lib/"

frontend=build/deps/cudnn-frontend/include  # installed by scripts/install.sh --cuda
if [[ -d $frontend ]]; then
  cp -r "$frontend/." "$folder/include/"
else
  echo "carry: $frontend not found (scripts/install.sh --cuda): CUDA builds with this folder will lack cuDNN" >&2
fi

for file in lib/libjpeg.a lib/libspng.so.0 lib/libboost_context.a include/jpeglib.h include/jconfig.h include/spng.h \
    include/stb/stb_image.h include/CLI/CLI.hpp include/nlohmann/json.hpp include/eigen3/Eigen/Core \
    include/doctest/doctest.h; do
  [[ -s $folder/$file ]] || failed "$folder/$file is missing"
done
bytes=$(du -sb "$folder" | cut -f1)
((bytes < most)) || failed "$folder has $bytes bytes, expected less than $most"
echo "carry: $folder, $((bytes >> 10)) KiB"
