#!/usr/bin/env bash
# Trains one step, exports the features of the sample images, and curates them: the page has every part.
#   make_page.sh DYAD FOLDER
set -euo pipefail
dyad=$1 folder=$2
rm -rf "$folder" && mkdir -p "$folder"
"$dyad" pretrain --data data/samples --run "$folder/run" --arch resnet10 --width 0.0625 --batch 32 --steps 1 >/dev/null
for split in train test; do
  "$dyad" export --run "$folder/run" --data data/samples --split $split --out "$folder/$split.safetensors" >/dev/null
done
"$dyad" curate --embeddings "$folder/train.safetensors" --against "$folder/test.safetensors" --data data/samples \
  --out "$folder/curated" --pairs 12 --threshold 0.999 --outliers 0.01 --subset 60 --by cluster --map 300
for file in kept.txt left_out.txt duplicates.txt outliers.txt subset.txt kept.txt.json curate.json curate.html; do
  [[ -s $folder/curated/$file ]] || { echo "make_page: $file is missing or empty" >&2; exit 1; }
done
