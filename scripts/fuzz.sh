#!/usr/bin/env bash
# Fuzzes the parsers of external input with libFuzzer: docs/fuzzing.md.
#   scripts/fuzz.sh [TARGET...]
#   TARGET         jpeg png stb webp tiff gif cifar stl10 pack tar labels list safetensors embedding
#                  views config sweep plans checkpoint; default: all
#   FUZZ_SECONDS   seconds per target (default 60)
#   FUZZ_JOBS      targets that run at the same time (default 2)
# Builds in build/fuzz. The corpus in build/fuzz/corpus/TARGET is kept and grows with each run. Prints one line per
# target; the last line is `N passed, N failed`. An input that reveals a bug is kept in build/fuzz/findings, a line says
# how to reproduce it, and the exit code is 1.
set -euo pipefail
. "$(dirname "$0")/help.sh"
cd "$(dirname "$0")/.."
. scripts/ctest.sh

all="jpeg png stb webp tiff gif cifar stl10 pack tar labels list safetensors embedding views config sweep plans checkpoint"
targets=${*:-$all} seconds=${FUZZ_SECONDS:-60} jobs=${FUZZ_JOBS:-2} out=build/fuzz
for target in $targets; do
  [[ " $all " == *" $target "* ]] || { echo "fuzz: no target $target, expected some of: $all" >&2; exit 2; }
done
command -v clang++ >/dev/null || { echo "fuzz: clang++ not found: scripts/install.sh --ci installs it" >&2; exit 2; }

build_preset fuzz
rm -rf $out/seeds
mkdir -p $out/findings
# Folder for the files that parsers read: in memory if possible, since each input creates and removes several.
scratch=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo $out)")
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch
export ASAN_OPTIONS=quarantine_size_mb=16${ASAN_OPTIONS:+:$ASAN_OPTIONS}  # the default keeps 256 MB of freed memory
$out/tests/fuzz/fuzz_seeds $out/seeds

fuzz() {  # TARGET
  local target=$1 log=$out/$1.log status=0 found executions speed coverage line
  mkdir -p "$out/corpus/$target"
  rm -f "$out/findings/$target"-*
  # fuzz.h limits the memory of an input; rss_limit_mb covers memory that it does not see
  "$out/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="$out/findings/$target-" "$out/corpus/$target" "$out/seeds/$target" >"$log" 2>&1 </dev/null || status=$?
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  speed=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
  coverage=$(grep -aoE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d' ' -f2)
  line=$(printf '%-11s %9s executions  %6s exec/s  coverage %5s  corpus %4d' "$target" "${executions:-?}" "${speed:-?}" \
    "${coverage:-?}" "$(find "$out/corpus/$target" -type f | wc -l)")
  if [[ $status == 0 ]]; then
    echo "$line"
    return
  fi
  # an input that was only slow is kept too, but is not a failure
  found=$(find "$out/findings" -name "$target-*" ! -name "$target-slow-unit-*" | head -n 1)
  echo "$line  FAILED: $(grep -aE '^fuzz: expected|runtime error:|ERROR: (Address|Leak|lib)|what\(\):' "$log" | head -n 1)"
  echo "    reproduce: $out/tests/fuzz/fuzz_$target ${found:-(no input was kept)}    log: $log"
  return 1
}
export -f fuzz
export out seconds

# shellcheck disable=SC2086
printf '%s\n' $targets | xargs -P "$jobs" -I{} bash -c 'fuzz {}' | tee $out/results.txt || true
passed=$(grep -c '^[a-z].* corpus *[0-9]*$' $out/results.txt) || true
failed=$(($(wc -w <<<"$targets") - passed))
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
