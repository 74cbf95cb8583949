#!/usr/bin/env bash
# Makes a small run with everything that a report can show: a resumed training with probes, and evaluations.
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
rm "$run"/checkpoints/step-0000000[68].safetensors  # as after a kill after step 4
sleep 1  # event files are named by the second
"${train[@]}" --resume auto
"$dyad" eval --data "$work/data" --run "$run"
"$dyad" retrieval --data "$work/data" --run "$run"
"$dyad" finetune --data "$work/data" --run "$run" --labels 0.5 --epochs 2
