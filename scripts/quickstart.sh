#!/usr/bin/env bash
# From a clone to an evaluated encoder: installs missing packages, builds, pretrains with SimCLR on the images in
# data/samples, evaluates, and writes a report. Rerun with the same flags, it skips the finished parts.
#   scripts/quickstart.sh [--seed S] [--epochs E] [--dry-run] [--no-install]
# Writes runs/quickstart/: report.html, metrics.jsonl, checkpoints/, and result.json with accuracies and seconds.
set -euo pipefail
. "$(dirname "$0")/help.sh"
export LC_ALL=C  # decimal point in EPOCHREALTIME
cd "$(dirname "$0")/.."

seed=0 epochs=12 dry_run=0 install=1
while [[ $# -gt 0 ]]; do
  case $1 in
    --seed | --epochs)
      [[ ${2:-} =~ ^[0-9]+$ ]] || { echo "quickstart: $1 needs a number" >&2; exit 2; }
      printf -v "${1#--}" %s "$2"
      shift 2 ;;
    --dry-run) dry_run=1; shift ;;
    --no-install) install=0; shift ;;
    *) echo "quickstart: unknown flag $1, expected --seed S, --epochs E, --dry-run or --no-install" >&2; exit 2 ;;
  esac
done

run=runs/quickstart
preset=cpu device=cpu nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null || true)
if [[ -n $nvcc ]] && nvidia-smi -L >/dev/null 2>&1; then preset=cuda device=cuda; fi

install_command=(scripts/install.sh)
if [[ $preset == cuda ]]; then install_command+=(--cuda); fi
build=(cmake --preset "$preset")
if [[ $preset == cuda ]]; then build+=(-DCMAKE_CUDA_ARCHITECTURES=native "-DCMAKE_CUDA_COMPILER=$nvcc"); fi
pretrain=(build/$preset/dyad pretrain --data data/samples --run "$run" --device "$device" --seed "$seed"
  --epochs "$epochs" --arch resnet10 --width 0.5 --batch 128 --tau 0.2 --optimizer adamw --lr 0.002 \
  --probe-every 4 --probe-images 1500 --resume auto)
evaluate=(build/$preset/dyad eval --data data/samples --run "$run" --device "$device")

if [[ $dry_run == 1 ]]; then
  if [[ $install == 1 ]]; then "${install_command[@]}" --dry-run; fi
  echo "build: ${build[*]} && cmake --build --preset $preset --target dyad"
  echo "pretrain: ${pretrain[*]}"
  echo "evaluate: ${evaluate[*]}"
  echo "result: $run/result.json, $run/report.html"
  exit 0
fi

declare -A seconds
timed() {  # PHASE COMMAND...
  local phase=$1 begun=$EPOCHREALTIME
  shift
  "$@"
  seconds[$phase]=$(awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
}

install() { if [[ $install == 1 ]]; then "${install_command[@]}"; fi; }
build() {
  echo "build: $preset"
  "${build[@]}" >/dev/null
  cmake --build --preset "$preset" --target dyad -- --quiet
}
# A run with the same flags resumes from its last checkpoint. With other flags, the old run is deleted first.
pretrain() {
  local flags="${pretrain[*]}"
  if [[ -d $run && $(cat "$run/quickstart.txt" 2>/dev/null) != "$flags" ]]; then rm -rf "$run"; fi
  mkdir -p "$run"
  echo "$flags" >"$run/quickstart.txt"
  "${pretrain[@]}"
}

timed install install
timed build build
timed pretrain pretrain
timed evaluate "${evaluate[@]}"

percent() {  # ROW CLASSIFIER: prints the "top1" of eval.json in percent
  local found
  found=$(sed -n '/"top1": {/,/^ }/p' "$run/eval.json" | sed -n "/\"$1\": {/,/}/p" |
    sed -n "s/.*\"$2\": *\([0-9.e+-]*\).*/\1/p")
  [[ -n $found ]] || { echo "quickstart: $run/eval.json has no $2 of $1" >&2; exit 1; }
  awk -v x="$found" 'BEGIN { printf "%.1f", 100 * x }'
}
libraries() { sed -n '/"libraries": {/,/}/p' "$run/env.json" | sed '1d;$d'; }

k=$(percent trained knn) l=$(percent trained linear)
raw_k=$(percent raw knn) raw_l=$(percent raw linear)
new_k=$(percent untrained knn) new_l=$(percent untrained linear)
cat >"$run/result.json.new" <<END
{
  "unit": "percent of the test images, top-1",
  "knn": $k,
  "linear": $l,
  "floors": {"raw_knn": $raw_k, "raw_linear": $raw_l, "untrained_knn": $new_k, "untrained_linear": $new_l},
  "seconds": {"install": ${seconds[install]}, "build": ${seconds[build]}, "pretrain": ${seconds[pretrain]}, "evaluate": ${seconds[evaluate]}},
  "seed": $seed,
  "epochs": $epochs,
  "device": "$device",
  "versions": {
$(libraries)
  }
}
END
mv "$run/result.json.new" "$run/result.json"

cat <<END

top-1 of the 1,000 test images, %     kNN   linear
  raw pixels                         $(printf '%5s    %5s' "$raw_k" "$raw_l")
  untrained encoder                  $(printf '%5s    %5s' "$new_k" "$new_l")
  $(printf '%-33s' "after $epochs epochs of SimCLR")  $(printf '%5s    %5s' "$k" "$l")
seconds: install ${seconds[install]}, build ${seconds[build]}, pretrain ${seconds[pretrain]}, evaluate ${seconds[evaluate]}
$run/result.json, $run/report.html
END
