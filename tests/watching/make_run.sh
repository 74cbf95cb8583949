#!/usr/bin/env bash
# A small run that has everything that a report can show: a training that was resumed, with probes, and evaluations.
#   make_run.sh DYAD RUN
set -euo pipefail
dyad=$1 run=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/data"
for file in data_batch_1 test_batch; do head -c $((64 * 3073)) data/samples/$file.bin >"$work/data/$file.bin"; done
rm -rf "$run"

train=("$dyad" pretrain --data "$work/data" --run "$run" --arch resnet10 --width 0.0625 --out-dim 8 --batch 16 --steps 8
  --probe-every 1 --probe-images 50 --save-every 2 --keep 9)
"${train[@]}"
rm "$run"/checkpoints/step-0000000[68].safetensors  # as if it had been killed after step 4
sleep 1  # the second that an event file is named by
"${train[@]}" --resume auto
"$dyad" eval --data "$work/data" --run "$run"
"$dyad" finetune --data "$work/data" --run "$run" --labels 0.5 --epochs 2 --floor
