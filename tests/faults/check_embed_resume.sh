#!/usr/bin/env bash
# `dyad embed` that is killed (-9) whenever new rows are safe on the disk, and started again with the same command, ends
# with the bytes of one that was never stopped, in every format.
#   check_embed_resume.sh DYAD
set -uo pipefail
dyad=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "check_embed_resume: $*"; failures=$((failures + 1)); }

record=3073
mkdir "$work/data"
head -c $((256 * record)) data/samples/data_batch_1.bin >"$work/data/data_batch_1.bin"
"$dyad" pretrain --data "$work/data" --run "$work/run" --arch resnet10 --width 0.0625 --out-dim 8 --batch 16 --steps 1 \
  >/dev/null 2>"$work/err" || { echo "check_embed_resume: $(cat "$work/err")"; exit 1; }

# large images, so that it takes several times the second between two saves
flags=(--run "$work/run" --data "$work/data" --split train --size 224 --batch 4)
rows() { sed -n 's/^ "rows": \([0-9]*\),$/\1/p' "$1" 2>/dev/null; }

for out in f.safetensors f.npy f.csv; do
  mkdir -p "$work/whole" "$work/cut"
  "$dyad" embed "${flags[@]}" --out "$work/whole/$out" >/dev/null 2>"$work/err" || fail "$out: $(cat "$work/err")"
  partial=$work/cut/$out.partial kills=0 before=0
  while [[ ! -e $work/cut/$out ]]; do
    "$dyad" embed "${flags[@]}" --out "$work/cut/$out" >"$work/said" 2>"$work/err" &
    child=$!
    while kill -0 $child 2>/dev/null && [[ $(rows "$partial.json") -le $before ]]; do sleep 0.05; done
    if ((kills < 2)) && kill -KILL $child 2>/dev/null; then kills=$((kills + 1)); fi
    wait $child 2>/dev/null
    code=$?
    [[ $code == 0 || $code == 137 ]] || { fail "$out: exit code $code: $(cat "$work/err")"; break; }
    ((before == 0)) || grep -q "^continues behind image $before of 256$" "$work/said" || fail "$out: does not continue at $before"
    [[ $code == 0 ]] || before=$(rows "$partial.json")
  done
  ((kills > 0)) || fail "$out: it was too fast to be killed"
  diff -r "$work/whole" "$work/cut" >/dev/null || fail "$out: other files after $kills kills"
  rm -rf "$work/whole" "$work/cut"
done
((failures == 0)) && echo "check_embed_resume: ok"
exit $((failures > 0))
