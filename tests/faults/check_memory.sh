#!/usr/bin/env bash
# Lets allocations of 64 KiB and more fail, one a run, and starts of threads: of a training, an evaluation, a data
# check, an export, and one of three ranks. Each run ends with exit code 0 (it did without) or 1 and one line; never by a
# signal, nor with 65 as for bad data. The last checkpoint stays whole.
#   check_memory.sh DYAD FAILING_MEMORY_LIBRARY [EVERY] [RANKS]
# EVERY: of the first 200 allocations each n-th one fails; of a rank, which takes longer, each 4 n-th if n > 1.
# RANKS: yes or no, where dyad was built without MPI.
set -uo pipefail
dyad=$(realpath "$1") library=$(realpath "$2") every=${3:-1} ranks=${4:-yes}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0 trials=0 ended=0 in_mpi=0
fail() { echo "check_memory: $*"; failures=$((failures + 1)); }
export OMP_NUM_THREADS=2

mkdir -p "$work/data/train/a" "$work/data/train/b" "$work/data/val/a" "$work/data/val/b"
for file in data_batch_1 test_batch; do head -c $((64 * 3073)) data/samples/$file.bin >"$work/$file.bin"; done
for folder in train/a train/b val/a val/b; do
  for n in 1 2 3 4 5 6 7 8; do
    { printf 'P6 200 200 255\n'; head -c 120000 data/samples/data_batch_1.bin; } >"$work/data/$folder/$n.ppm"
  done
done
small=(--arch resnet10 --width 0.0625 --out-dim 8 --batch 8 --size 32 --stem cifar)
"$dyad" pretrain --data "$work/data" --run "$work/old" "${small[@]}" --steps 1 2>"$work/err" ||
  { echo "check_memory: can't train at all: $(cat "$work/err")"; exit 1; }
first=$work/old/checkpoints/step-00000001.safetensors

commands=(
  "pretrain --run $work/run --resume auto --steps 3 --threads 2 --save-every 1 --keep 9"
  "knn --data $work/data --run $work/run --threads 2"
  "data check --data $work/data --threads 3 --json $work/check.json"
  "export --data $work/data --run $work/run --threads 2 --out $work/features.safetensors"
)
for rank in 0 2; do  # in this one of three ranks
  commands+=("FAIL_RANK=$rank pretrain --run $work/run --resume auto --steps 3 --ranks 3 --save-every 1 --keep 9")
done
[[ $ranks == yes ]] || unset "commands[-1]" "commands[-2]"
run_short() {  # COMMAND SETTING...
  local words
  read -ra words <<<"$1"
  [[ ${words[0]} != FAIL_RANK=* ]] || { set -- "$1" "${@:2}" "${words[0]}"; words=("${words[@]:1}"); }
  timeout 60 env "${@:2}" LD_PRELOAD="$library" "$dyad" "${words[@]}" >"$work/out" 2>"$work/err"
}
# What fails within Open MPI ends in its own way, and the parent of the ranks says so.
lost_in_mpi() {  # CODE
  grep -qE '^dyad: a (library|signal) has ended a rank with exit code' "$work/err" ||
    { [[ $1 == 75 ]] && grep -q 'is lost (its connection has closed)' "$work/err"; }
}
check_end() {  # CODE LINES VARIABLE NUMBER COMMAND
  case $1 in
    0) ;;
    1 | 75) ended=$((ended + 1))
       if [[ $5 == FAIL_RANK* ]] && lost_in_mpi "$1"; then
         in_mpi=$((in_mpi + 1))
         return
       fi
       [[ $1 == 1 ]] || fail "$5, $3=$4: exit code 75: $(tail -n 2 "$work/err")"
       [[ $2 == 1 ]] || fail "$5, $3=$4: $2 lines: $(cat "$work/err")"
       grep -qE '^(dyad[a-z ]*: (.*(out of memory|thread)|no result could be made: .*out of memory)|libgomp: )' "$work/err" ||
         fail "$5, $3=$4: said $(tail -n 1 "$work/err")" ;;
    *) fail "$5, $3=$4: exit code $1: $(tail -n 2 "$work/err")" ;;
  esac
}
check_files() {  # VARIABLE NUMBER COMMAND
  cmp -s "$first" "$work/run/checkpoints/${first##*/}" || fail "$3, $1=$2: the last checkpoint has changed"
  for file in "$work/run"/*.json "$work"/*.json; do
    [[ ! -e $file || $(tail -c 2 "$file") == "}" ]] || fail "$3, $1=$2: $file is cut short"
  done
  for file in "$work/run"/checkpoints/step-0000000[23].safetensors; do  # whole, or not there
    [[ ! -e $file ]] || "$dyad" "export" --run "$work/run" --checkpoint "$file" --out "$work/e.safetensors" >/dev/null 2>&1 ||
      fail "$3, $1=$2: $file is damaged"
  done
}
try() {  # VARIABLE NUMBER COMMAND
  local code lines
  rm -rf "$work/run"
  cp -r "$work/old" "$work/run"
  run_short "$3" "$1=$2"
  code=$?
  trials=$((trials + 1))
  lines=$(grep -cE '^(dyad|libgomp)' "$work/err")
  check_end "$code" "$lines" "$@"
  check_files "$@"
}
for command in "${commands[@]}"; do
  rm -rf "$work/run"
  cp -r "$work/old" "$work/run"
  run_short "$command" FAIL_REPORT="$work/counts" || fail "$command: $(cat "$work/err")"
  read -r allocations threads <"$work/counts"
  [[ $allocations -gt 3 && $threads -gt 0 ]] || fail "$command: the library saw $allocations allocations, $threads threads"
  stride=$every
  [[ $command != FAIL_RANK* || $every == 1 ]] || stride=$((4 * every))
  for ((n = 1; n <= allocations && n <= 200; n += stride)); do try FAIL_ALLOCATION "$n" "$command"; done
  [[ $command != FAIL_RANK* ]] || continue  # most of a rank's threads are MPI's, which ends or waits in its own way
  for ((n = 1; n <= threads; n++)); do try FAIL_THREAD "$n" "$command"; done
done
[[ $ended -ge 5 ]] || fail "only $ended runs ended early"

echo "$trials runs short of memory or threads, $ended ended by it, $in_mpi within Open MPI, $failures failures"
[[ $failures == 0 ]]
