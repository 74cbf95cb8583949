#!/usr/bin/env bash
# Builds this folder three times, without a sanitizer, with AddressSanitizer and with ThreadSanitizer, runs all checks in
# each, and prints one verdict.
#   ./check.sh PREFIX [ARGUMENT...]    PREFIX/cpu, PREFIX/asan and PREFIX/tsan: dyad, installed (README.md)
# The arguments are those of check_kernels, such as --op '^rms_norm$'. The exit code is 0 if every build passes.
set -uo pipefail
cd "$(dirname "$0")"
if [[ $# == 0 || $1 == -* ]]; then sed -n '2,/^set/s/^# //p' "$0" >&2; exit 2; fi
prefix=$1
shift
wrong=()
mkdir -p build
for kind in cpu asan tsan; do
  echo "== $kind"
  if [[ ! -d $prefix/$kind ]]; then echo "check.sh: no folder $prefix/$kind, expected an installed dyad" >&2; exit 2; fi
  if ! { cmake -G Ninja -B "build/$kind" -DCMAKE_PREFIX_PATH="$prefix/$kind" -DCMAKE_BUILD_TYPE=RelWithDebInfo &&
    cmake --build "build/$kind"; } >"build/$kind.log" 2>&1; then
    tail -n 20 "build/$kind.log"
    echo "check.sh: the $kind build failed: build/$kind.log" >&2
    exit 1
  fi
  "build/$kind/check_kernels" "$@" || wrong+=("$kind")
done
if [[ ${#wrong[@]} == 0 ]]; then echo "== all kernels pass in all three builds"; exit 0; fi
echo "== something was found in: ${wrong[*]}"
exit 1
