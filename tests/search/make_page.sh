#!/usr/bin/env bash
# Embeds images of data/samples, makes an index and searches it: a page for scripts/lab/check_search.sh.
#   make_page.sh DYAD FOLDER
set -euo pipefail
dyad=$1 folder=$2 record=3073
rm -rf "$folder"
mkdir -p "$folder/data" "$folder/queries"
head -c $((256 * record)) data/samples/data_batch_1.bin >"$folder/data/data_batch_1.bin"
head -c $((6 * record)) data/samples/test_batch.bin >"$folder/queries/data_batch_1.bin"
"$dyad" pretrain --data "$folder/data" --run "$folder/run" --arch resnet10 --width 0.125 --batch 64 --steps 8
"$dyad" embed --data "$folder/data" --run "$folder/run" --out "$folder/f.safetensors" --dtype f16
"$dyad" index --embeddings "$folder/f.safetensors" --out "$folder/i.safetensors"
"$dyad" search --run "$folder/run" --index "$folder/i.safetensors" --query "$folder/queries" --html "$folder/found.html" |
  tail -n 1
