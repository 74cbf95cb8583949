#!/usr/bin/env bash
# Fills the disk, a small tmpfs, at every stage of a training and of the commands that write files after it. A failure is
# one line that names the file, and exit code 1; an evaluation prints its table, the line and ends with 0. A file with
# its final name is complete, and no temporary file is left. With space again, `--resume auto` ends with the bytes of an
# uninterrupted run. Exit code 77 if nothing can be mounted.
#   check_full_disk.sh DYAD
set -uo pipefail
. "$(dirname "$0")/mounted.sh" check_full_disk "$@"
named=

for file in data_batch_1 test_batch; do head -c $((64 * 3073)) data/samples/$file.bin >"$work/data/$file.bin"; done
kib() { du -kc "$@" | tail -n 1 | cut -f 1; }
new_disk() {
  umount "$disk" 2>/dev/null
  mount -t tmpfs -o size=16m none "$disk"
}
leave() { fallocate -l $(($(df -k --output=avail "$disk" | tail -n 1) - $1))k "$disk/filler"; }  # KIB: space that stays free
# refused NAME EXIT_CODE COMMAND: the error is one line that names a file of the disk; no incomplete file is
# left.
refused() {
  local line
  trials=$((trials + 1))
  line=$(grep "^dyad $3: " "$work/err")
  [[ $2 == 1 ]] || fail "$1: exit code $2, expected 1: $(cat "$work/err")"
  [[ $(wc -l <<<"$line") == 1 && $line == *"$disk/"*"No space left on device"* ]] || fail "$1: said $(cat "$work/err")"
  [[ $(tail -n 1 "$work/err") == "$line" ]] || fail "$1: the error isn't the last line: $(cat "$work/err")"
  named+=" ${line#*"$disk"}"
  whole "$1"
}
whole() {  # NAME
  local file
  file=$(find "$disk" -name '*.tmp-*' -o -name '*.partial-*')
  [[ -z $file ]] || fail "$1: left $file"
  for file in "$run"/checkpoints/*.safetensors; do
    [[ ! -e $file ]] || cmp -s "$file" "$work/whole/checkpoints/${file##*/}" || fail "$1: $file has other bytes"
  done
  for file in "$run"/*.json; do [[ ! -e $file || $(tail -c 2 "$file") == "}" ]] || fail "$1: $file is cut short"; done
  file=$run/report.html
  [[ ! -e $file || $(tail -c 8 "$file") == "</html>" ]] || fail "$1: $file is cut short"
}

steps=6
train=("$dyad" pretrain --data "$work/data" --arch resnet10 --width 0.0625 --out-dim 8 --batch 16 --steps $steps)
last=step-$(printf %08d $steps).safetensors
"${train[@]}" --run "$work/whole" --save-every 2 --keep 9 2>"$work/err" ||
  { echo "check_full_disk: can't train at all: $(cat "$work/err")"; exit 1; }
begin=$(cd "$work/whole" && kib train.log config.toml env.json views.png state.json)  # files written before the first step
records=$(cd "$work/whole" && kib metrics.jsonl monitor.jsonl usage.jsonl events.*)
checkpoint=$(kib "$work/whole/checkpoints/$last")
report=$(kib "$work/whole/report.html")

training() {  # KIB FLAGS...: must fail with KIB free, and resume with more space
  local room=$1 name="training with $1 KiB"
  shift
  new_disk
  leave "$room"
  "${train[@]}" --run "$run" "$@" 2>"$work/err"
  refused "$name" $? pretrain
  rm "$disk/filler"
  "${train[@]}" --run "$run" "$@" --resume auto 2>"$work/err" || fail "$name: can't resume: $(cat "$work/err")"
  [[ -e $run/checkpoints/$last ]] || fail "$name: no last checkpoint after resuming"
  [[ -s $run/report.html ]] || fail "$name: no report after resuming"
  whole "$name, gone on"
  [[ $(sed -E 's/^\{"step":([0-9]+),.*\}$/\1/' "$run/metrics.jsonl" | tr '\n' ' ') == "$(seq -s ' ' $steps) " ]] ||
    fail "$name: metrics.jsonl has $(cut -c 1-12 "$run/metrics.jsonl" | tr '\n' ' ')"
}
for room in 4 8 12 $((begin - 4)) "$begin" $((begin + 4)) $((begin + 8)) $((begin + records + checkpoint / 2)) \
    $((begin + records + checkpoint + checkpoint / 2)); do
  training "$room" --save-every 2 --keep 1
done
# the report of the first epoch fits, that of the end beside it does not
training $((begin + records + checkpoint + report + 8)) --save-every end
for file in env.json train.log views.png metrics.jsonl events.out step-00000002 step-00000004 report.html; do
  [[ $named == *"/$file"* ]] || fail "no training failed at $file, but at $named"
done

# Evaluates a run on the disk: its table is printed, and an old file is kept, or replaced by a complete one.
not_kept() {  # NAME EXIT_CODE
  trials=$((trials + 1))
  [[ $2 == 0 ]] || fail "$1: exit code $2, expected 0: $(cat "$work/err")"
  grep -q '^trained encoder .*%' "$work/out" || fail "$1: no table: $(cat "$work/out")"
  [[ $(grep -c "^not kept: $disk/.*No space left on device.*--out DIR" "$work/err") == 1 ]] ||
    fail "$1: said $(cat "$work/err")"
  named+=" $(grep -o "^not kept: [^:]*" "$work/err")"
  whole "$1"
}
"$dyad" knn --data "$work/data" --run "$work/whole" >/dev/null 2>"$work/err" || fail "can't evaluate: $(cat "$work/err")"
pictures=$(kib "$work/whole/neighbours.json" "$work/whole/map.json")
rm "$work/whole"/{knn,neighbours,map}.json "$work"/whole/checkpoints/step-0000000[24]*
evaluated=
for more in 0 "$pictures" $((pictures + 8)); do
  new_disk
  cp -r "$work/whole" "$run"
  leave "$more"
  named=
  "$dyad" knn --data "$work/data" --run "$run" >"$work/out" 2>"$work/err"
  not_kept "evaluation with $more KiB" $?
  evaluated+=$named
  rm "$disk/filler"
  "$dyad" knn --data "$work/data" --run "$run" >/dev/null 2>"$work/err" || fail "evaluation again: $(cat "$work/err")"
  [[ -s $run/knn.json ]] || fail "evaluation again: no knn.json"
  whole "evaluation again"
done
for file in neighbours.json knn.json report.html; do
  [[ $evaluated == *"/$file"* ]] || fail "no evaluation failed at $file, but at $evaluated"
done

# Other commands that write a file: no part of the file is left.
new_disk
leave 0
on_full_disk() {  # COMMAND FLAGS...
  local command=$1
  [[ $1 != data ]] || command="data $2"
  "$dyad" "$@" >/dev/null 2>"$work/err"
  refused "$*" $? "$command"
  [[ $(ls -A "$disk") == filler ]] || fail "$*: left $(ls -A "$disk")"
}
on_full_disk export --run "$work/whole" --out "$disk/encoder.safetensors"
on_full_disk export --run "$work/whole" --out "$disk/encoder" --format npy
on_full_disk export --run "$work/whole" --out "$disk/encoder.onnx" --format onnx
on_full_disk export --run "$work/whole" --data "$work/data" --out "$disk/features" --format npy
on_full_disk linear --data "$work/data" --run "$work/whole" --no-floors --json "$disk/result.json"
on_full_disk linear --data "$work/data" --run "$work/whole" --no-floors --out "$disk"
on_full_disk data preview --data "$work/data" --out "$disk/views.png"
on_full_disk data check --data "$work/data" --json "$disk/check.json"
on_full_disk info --json "$disk/info.json"
"$dyad" info >/dev/full 2>"$work/err"
code=$?
[[ $code == 1 && $(cat "$work/err") == "dyad: stdout: not all of it could be written" ]] ||
  fail "info to a full stdout: exit code $code: $(cat "$work/err")"

echo "$trials full disks, $failures failures"
[[ $failures == 0 ]]
