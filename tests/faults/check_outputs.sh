#!/usr/bin/env bash
# Where dyad writes: outputs that are devices, pipes, links or names of descriptors; links and pipes that somebody has
# planted in a run; pipes and devices where a file is to be read; outputs that can't be written; closed descriptors.
#   check_outputs.sh DYAD
set -uo pipefail
dyad=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0 trials=0
fail() { echo "check_outputs: $*"; failures=$((failures + 1)); }
begin() { name=$1 trials=$((trials + 1)); }
# run EXIT_CODE COMMAND...: within a minute
run() {
  local expected=$1 code
  shift
  timeout 60 "$@" >"$work/out" 2>"$work/err" </dev/null
  code=$?
  [[ $code == "$expected" ]] || fail "$name: exit code $code, expected $expected: $(tail -n 2 "$work/err")"
}
says() { [[ $(cat "$work/err") == *"$1"* ]] || fail "$name: said \"$(cat "$work/err")\", expected \"$1\""; }
json() { python3 -m json.tool "$1" >/dev/null 2>&1 || fail "$name: $1 is no JSON: $(head -c 80 "$1")"; }

mkdir "$work/data"
for file in data_batch_1 test_batch; do head -c $((64 * 3073)) data/samples/$file.bin >"$work/data/$file.bin"; done
train=("$dyad" pretrain --data "$work/data" --arch resnet10 --width 0.0625 --out-dim 8 --batch 16 --size 16 --threads 0)
begin "a plain run"
run 0 "${train[@]}" --run "$work/run" --steps 1
cp -r "$work/run" "$work/original"
fresh() { rm -rf "$work/run" && cp -r "$work/original" "$work/run"; }
again=("${train[@]}" --run "$work/run" --steps 2)  # and --resume

# Outputs that are no regular files. The device is one of our own, since a wrong program replaces it.
null=$work/null.safetensors
mknod "$null" c 1 3 2>/dev/null && chmod 666 "$null" && (: >"$null") 2>/dev/null || null=
if [[ -z $null && $(id -u) != 0 ]]; then null=/dev/null; fi  # nobody but root can replace it
device() {  # COMMAND...: its last word gets the device appended
  begin "a device: $*"
  run 0 "$@" "$null"
  [[ -c $null ]] || { fail "$name: the device has become $(stat -c %F "$null")"; mknod "$null" c 1 3; }
}
if [[ -n $null ]]; then
  device "$dyad" info --json
  device "$dyad" data check --data "$work/data" --json
  device "$dyad" data preview --data "$work/data" --out
  device "$dyad" knn --data "$work/data" --run "$work/run" --json
  device "$dyad" compare "$work/run" --html
  device "$dyad" gradcheck --op relu --junit
  [[ $null == /dev/null ]] || device "$dyad" export --run "$work/run" --out
  device "${again[@]}" --resume auto --trace "$work/trace.json" --json
  fresh
  device "${again[@]}" --resume auto --trace
  fresh
fi

# By a name that a wrong program can't replace, unlike /dev/stdout.
begin "a descriptor that is a file, after other text"
: >"$work/all"
"$dyad" info --json /proc/self/fd/1 >>"$work/all" 2>"$work/err" || fail "$name: $(cat "$work/err")"
[[ $(head -c 1 "$work/all") != "{" && $(tail -n 1 "$work/all") == "}" ]] || fail "$name: $(head -n 2 "$work/all")"
begin "/dev/fd/N, a pipe"
"$dyad" data check --data "$work/data" --json >(cat >"$work/piped") >"$work/out" 2>"$work/err" || fail "$name: $(cat "$work/err")"
for _ in $(seq 100); do [[ $(tail -c 2 "$work/piped" 2>/dev/null) == "}" ]] && break; sleep 0.05; done
json "$work/piped"
begin "a named pipe that is read"
mkfifo "$work/pipe"
cat "$work/pipe" >"$work/read" &
reader=$!
run 0 "$dyad" data check --data "$work/data" --json "$work/pipe"
wait $reader
json "$work/read"
[[ -p $work/pipe ]] || fail "$name: the pipe was replaced"
begin "a named pipe that nobody reads"
run 1 "$dyad" data check --data "$work/data" --json "$work/pipe"
says "$work/pipe: No such device or address, while opening it: no process reads from it"
begin "a link: it is replaced, its file stays"
echo precious >"$work/target"
ln -s "$work/target" "$work/link"
run 0 "$dyad" data check --data "$work/data" --json "$work/link"
[[ $(cat "$work/target") == precious && ! -L $work/link ]] || fail "$name: the file was written through the link"
json "$work/link"

# Refused before the work.
for file in /proc/y.json "$work/none/y.json" "$work/target/y.json" "$work/data"; do
  begin "--json $file"
  run 2 "$dyad" data check --data "$work/data" --json "$file"
  says "dyad data check: --json: can't be written: "
  [[ ! -s $work/out ]] || fail "$name: the work was done before"
  if compgen -G "$(dirname "$file")/*.tmp-*" >/dev/null; then fail "$name: left a temporary file"; fi
done

# What somebody else has planted in a run. Temporary files have names that can be guessed.
for file in train.log metrics.jsonl monitor.jsonl usage.jsonl; do
  begin "a link at $file"
  rm "$work/run/$file"
  ln -s "$work/target" "$work/run/$file"
  run 2 "${again[@]}" --resume auto
  says "$work/run/$file: can't be written: is a link, expected a regular file"
  [[ $(cat "$work/target") == precious ]] || { fail "$name: its file was written"; echo precious >"$work/target"; }
  fresh
  begin "a pipe at $file"
  rm "$work/run/$file"
  mkfifo "$work/run/$file"
  run 2 "${again[@]}" --resume auto
  says "$work/run/$file: can't be "
  fresh
done
for file in config.toml env.json state.json views.png report.html training.json checkpoints/step-00000002.safetensors; do
  begin "a link at $file"
  target=$work/target
  [[ $file != config.toml ]] || { cp "$work/run/config.toml" "$work/other.toml"; target=$work/other.toml; }
  before=$(cksum <"$target")
  ln -sf "$target" "$work/run/$file"
  flags=(--resume auto)
  [[ $file != *safetensors ]] || flags=(--resume "$work/run/checkpoints/step-00000001.safetensors" --discard-newer)
  run 0 "${again[@]}" "${flags[@]}"
  [[ $(cksum <"$target") == "$before" ]] || { fail "$name: its file was written"; echo precious >"$work/target"; }
  [[ ! -L $work/run/$file ]] || fail "$name: the link is still there"
  fresh
done
begin "links at temporary names"
planted=$work/planted
mkdir "$planted"
# the shell becomes the program, so that its number is known
run 0 bash -c 'for i in $(seq 0 40); do ln -s "$1/target" "$1/planted/y.json.tmp-$$-$i"; done
  exec "$2" data check --data "$1/data" --json "$1/planted/y.json"' bash "$work" "$dyad"
[[ $(cat "$work/target") == precious ]] || { fail "$name: the file was written through a link"; echo precious >"$work/target"; }
[[ ! -L $planted/y.json ]] || fail "$name: the result is the link"
json "$planted/y.json"

# Pipes and devices where a file is read: one line, no waiting.
begin "--config PIPE"
run 2 "${train[@]}" --run "$work/new" --config "$work/pipe"
says "config file $work/pipe: can't be read: is not a regular file"
begin "--config DEVICE"
run 2 "${train[@]}" --run "$work/new" --config /dev/zero
says "config file /dev/zero: can't be read: is not a regular file"
begin "--data PIPE"
run 65 "$dyad" data check --data "$work/pipe"
begin "--resume PIPE"
run 65 "${again[@]}" --resume "$work/pipe"
begin "finetune --list PIPE"
run 65 "$dyad" finetune --data "$work/data" --run "$work/run" --list "$work/pipe"
says "$work/pipe: can't be read: is not a regular file"
for file in config.toml state.json training.json eval.json map.json metrics.jsonl; do
  begin "compare, a pipe at $file"
  rm -f "$work/run/$file"
  mkfifo "$work/run/$file"
  timeout 20 "$dyad" compare "$work/run" >"$work/out" 2>"$work/err"
  [[ $? != 124 ]] || fail "$name: it waits"
  begin "report, a pipe at $file"
  timeout 20 "$dyad" knn --data "$work/data" --run "$work/run" --threads 1 >"$work/out" 2>"$work/err"
  [[ $? != 124 ]] || fail "$name: it waits"
  fresh
done

# Descriptors that the parent has closed: no file of the run takes their place.
for closed in "2>&-" "1>&- 2>&-" "0<&- 1>&- 2>&-"; do
  begin "closed: $closed"
  eval "timeout 60 \"\${again[@]}\" --resume auto $closed" || fail "$name: exit code $?"
  for file in metrics.jsonl monitor.jsonl; do
    if grep -qv '^{.*}$' "$work/run/$file"; then fail "$name: $file has $(grep -v '^{.*}$' "$work/run/$file" | head -n 1)"; fi
  done
  if [[ $(grep -c '"step"' "$work/run/metrics.jsonl") != 2 ]]; then fail "$name: $(cat "$work/run/metrics.jsonl")"; fi
  fresh
done

echo "$trials outputs and inputs, $failures failures"
[[ $failures == 0 ]]
