#!/usr/bin/env bash
# Gathers what a build needs besides a compiler, CMake and NVIDIA's toolkit from this machine's Debian packages into one
# folder, for a machine where nothing can be installed: CMake finds it by -DCMAKE_PREFIX_PATH=FOLDER. Without oneDNN and
# MPI, which such a build is configured without.
#   scripts/lab/carry.sh FOLDER
set -euo pipefail
[[ $# == 1 && $1 != -* ]] || { echo "usage: scripts/lab/carry.sh FOLDER" >&2; exit 2; }
[[ ! -e $1 || -f $1/dyad-carry || -z $(ls -A "$1") ]] ||
  { echo "carry: $1 is not empty and not of this script: it would be overwritten" >&2; exit 1; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."

packages=(libjpeg62-turbo-dev libspng-dev libstb-dev libcli11-dev nlohmann-json3-dev libeigen3-dev doctest-dev)
most=$((40 << 20))  # bytes in all

failed() { echo "carry: $*" >&2; exit 1; }
rm -rf "${folder:?}/include" "${folder:?}/lib"
touch "$folder/dyad-carry"
mkdir -p "$folder/include" "$folder/lib"

# header FILE: to the same place below include/; Debian's folder of the architecture is left out
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
      # no static libspng in Debian: its linker's and its runtime name
      */libspng.so) cp -L "$file" "$folder/lib/libspng.so" && cp -L "$file" "$folder/lib/libspng.so.0" ;;
    esac
  done <<<"$files"
done

# Of Boost only the headers that Boost.Context's fcontext includes, with every compiler's and platform's configuration.
files_of libboost-context-dev >/dev/null
fcontext='#include <boost/context/detail/fcontext.hpp>'
boost=$(g++ -std=c++20 -M -x c++ - <<<"$fcontext" | grep -o '/usr/include/boost/[^ ]*')
for file in $boost $(find /usr/include/boost/config -name '*.hpp'); do header "$file"; done
cp -L "$(g++ -print-file-name=libboost_context.a)" "$folder/lib/"

frontend=build/deps/cudnn-frontend/include  # of scripts/install.sh --cuda
if [[ -d $frontend ]]; then
  cp -r "$frontend/." "$folder/include/"
else
  echo "carry: no $frontend (scripts/install.sh --cuda): a CUDA build of it is one without cuDNN" >&2
fi

for file in lib/libjpeg.a lib/libspng.so.0 lib/libboost_context.a include/jpeglib.h include/jconfig.h include/spng.h \
    include/stb/stb_image.h include/CLI/CLI.hpp include/nlohmann/json.hpp include/eigen3/Eigen/Core \
    include/doctest/doctest.h; do
  [[ -s $folder/$file ]] || failed "$folder/$file is missing"
done
bytes=$(du -sb "$folder" | cut -f1)
((bytes < most)) || failed "$folder has $bytes bytes, expected less than $most"
echo "carry: $folder, $((bytes >> 10)) KiB"
