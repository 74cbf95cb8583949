#!/usr/bin/env bash
# Names that are not UTF-8, or that would act on a terminal: of a run, a class, a file, and in the metadata of a checkpoint.
# Every command ends well, no result is lost, all JSON is valid, no such byte is printed, and what is used as a path again
# is found. Damaged files beside a run cost their own part of its report, and nothing else.
#   check_outside_bytes.sh DYAD
set -uo pipefail
dyad=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0 trials=0
fail() { echo "check_outside_bytes: $*"; failures=$((failures + 1)); }
# run EXIT_CODE COMMAND...: nothing that acts on a terminal may be printed
run() {
  local expected=$1 code
  shift
  name="$*" trials=$((trials + 1))
  name=${name//"$dyad"/dyad}
  timeout 100 "$@" >"$work/out" 2>"$work/err" </dev/null
  code=$?
  [[ $code == "$expected" ]] || fail "$name: exit code $code, expected $expected: $(tail -n 2 "$work/err")"
  harmless "$work/out" && harmless "$work/err"
}
harmless() {  # FILE...: valid UTF-8 without control or bidirectional characters
  python3 - "$@" <<'PY' || fail "$name: $*"
import sys
for path in sys.argv[1:]:
    text = open(path, "rb").read().decode("utf-8")
    wrong = [c for c in text if (ord(c) < 32 and c not in "\n\t") or 0x7f <= ord(c) <= 0x9f or c in
             "\u061c\u200e\u200f" or 0x2028 <= ord(c) <= 0x202e or 0x2066 <= ord(c) <= 0x2069]
    sys.exit(f"{path} has {wrong[:3]}") if wrong else None
PY
}
valid() {  # FILE...: JSON, a text or lines of it
  python3 - "$@" <<'PY' || fail "$name: $*"
import json, sys
for path in sys.argv[1:]:
    text = open(path, "rb").read().decode("utf-8")
    [json.loads(t) for t in (text.splitlines() if path.endswith("l") else [text])]
PY
}
says() { [[ $(cat "$work/err" "$work/out") == *"$1"* ]] || fail "$name: said $(cat "$work/err" "$work/out"), expected $1"; }

# escape sequences, a byte that is no UTF-8, C1, a character that turns text around, a line's end, a quote
bad=$'\xff\xfe \e[31m\xc2\x9b31m\xe2\x80\xae"\\x41' line=$'\n'
data="$work/data" run="$work/run $bad"
for class in "cat $bad$line" dog; do
  for split in train val; do
    mkdir -p "$data/$split/$class"
    for n in 1 2 3 4 5 6 7 8; do
      printf 'P6 8 8 255\n' >"$data/$split/$class/$bad$line$n.ppm"
      head -c 192 /dev/urandom >>"$data/$split/$class/$bad$line$n.ppm"
    done
  done
done
train=("$dyad" pretrain --data "$data" --arch resnet10 --width 0.0625 --out-dim 8 --batch 8 --size 16 --stem cifar
  --threads 0)
run 0 "${train[@]}" --run "$work/plain" --steps 1
cp "$work/plain/checkpoints/step-00000001.safetensors" "$work/init$bad.safetensors"
run 0 "${train[@]}" --run "$run" --steps 1 --init-weights "$work/init$bad.safetensors" --json "$work/json$bad"
valid "$work/json$bad" "$run"/{env,state,training}.json "$run"/{metrics,monitor}.jsonl
harmless "$run"/{config.toml,train.log}
# the same options are read back from config.toml and from the metadata
run 0 "$dyad" pretrain --run "$run" --resume auto --steps 2
[[ -e $run/checkpoints/step-00000002.safetensors ]] || fail "$name: has not continued"
if grep -qE 'init-weights|other images' "$work/err"; then fail "$name: said $(cat "$work/err")"; fi
run 0 "$dyad" "eval" --data "$data" --run "$run" --json "$work/eval.json"
valid "$work/eval.json" "$run"/{eval,map,neighbours}.json
harmless "$run/report.html"
python3 - "$work/eval.json" <<'PY' || fail "$name: the class can't be restored"
import json, re, sys
classes = json.load(open(sys.argv[1]))["classes"]
restored = [re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), c.encode()) for c in classes]
sys.exit(0 if b"cat \xff\xfe \x1b[31m\xc2\x9b31m\xe2\x80\xae\"\\x41\n" in restored else str(classes))
PY
run 0 "$dyad" compare "$run" "$work/plain" --json "$work/compare.json" --html "$work/compare.html"
valid "$work/compare.json"
harmless "$work/compare.html"
run 0 "$dyad" "export" --run "$run" --data "$data" --out "$work/features$bad.safetensors"
run 0 "$dyad" "export" --run "$run" --data "$data" --format npy --out "$work/npy$bad"
run 0 "$dyad" data check --data "$data" --json "$work/check.json"
valid "$work/check.json"
run 0 "$dyad" data preview --data "$data" --out "$work/preview$bad.png"
printf 'no image' >"$data/train/dog/broken$bad.ppm"
run 65 "$dyad" data check --data "$data" --json "$work/check.json"
valid "$work/check.json"
run 0 "${train[@]}" --run "$work/skip$bad" --steps 9 --bad-images skip
rm "$data/train/dog/broken$bad.ppm"
# a split drawn by dyad names the images in a file, and is found again
mkdir "$work/one"
cp -r "$data/train/." "$work/one"
run 0 "$dyad" pretrain --data "$work/one" --run "$work/split" --arch resnet10 --width 0.0625 --out-dim 8 --batch 8 --size 16 \
  --threads 0 --steps 1 --split-from 0.25
harmless "$work/split/test_split.txt"
run 0 "$dyad" knn --data "$work/one" --run "$work/split"
says "4 "
# names as they are in the folder, in a list of the user's
cp "$data/train/dog/$bad${line}1.ppm" "$data/train/dog/plain$bad.ppm"
cp "$data/train/dog/$bad${line}1.ppm" "$data/train/cat $bad$line/cat$bad.ppm"
printf '%s\n' "plain$bad.ppm" "cat$bad.ppm" >"$work/list"
run 0 "$dyad" finetune --data "$data" --run "$run" --epochs 1 --list "$work/list"
printf '%s\n' "train/dog/plain$bad.ppm" >"$work/images.txt"
run 65 "$dyad" finetune --data "$data" --run "$run" --epochs 1 --list "$work/images.txt"
says 'plain\xff\xfe'
file=$work/missing$bad
run 65 "$dyad" data check --data "$file"
run 2 "$dyad" knn --data "$data" --run "$file"
run 2 "${train[@]}" --run "$work/new" --config "$file"

# The metadata of a checkpoint that somebody else has made.
python3 - "$work/plain/checkpoints/step-00000001.safetensors" "$work/foreign.safetensors" <<'PY'
import json, struct, sys
bytes_ = open(sys.argv[1], "rb").read()
size, = struct.unpack("<Q", bytes_[:8])
header, data = json.loads(bytes_[8:8 + size]), bytes_[8 + size:]
meta = header["__metadata__"]
for key in ("arch", "data-set", "lr", "tau", "recipe", "data-list"): meta[key] = meta.get(key, "") + "\x1b[2J\u009b31m\u202e"
def fnv(h, b):
    for c in b: h = (h ^ c) * 0x100000001b3 & (2**64 - 1)
    return h
h = 0xcbf29ce484222325
for key in sorted(meta, key=str.encode):
    if key != "hash": h = fnv(h, key.encode() + b"\0" + meta[key].encode() + b"\0")
names = {"F32": "f32", "I64": "i64"}
for name in sorted((n for n in header if n != "__metadata__"), key=str.encode):
    e = header[name]
    h = fnv(h, f"{name} {names[e['dtype']]} ({','.join(map(str, e['shape']))})\n".encode())
    h = fnv(h, data[e["data_offsets"][0]:e["data_offsets"][1]])
meta["hash"] = f"{h:016x}"
text = json.dumps(header).encode()
open(sys.argv[2], "wb").write(struct.pack("<Q", len(text)) + text + data)
PY
run 2 "${train[@]}" --run "$work/new" --resume "$work/foreign.safetensors"
says '\x1b[2J'

# Files beside a run that are damaged, of another program, or left by a training that diverged.
report() {  # NAME: a training that goes on and an evaluation end well, and the report says what is wrong
  local steps
  steps=$(($(wc -l <"$work/plain/metrics.jsonl") + 1))
  run 0 "${train[@]}" --run "$work/plain" --resume auto --steps $steps
  [[ -e $work/plain/training.json && -s $work/plain/report.html ]] || fail "$1: no result"
  if [[ -n $1 ]]; then grep -q "$1: " "$work/plain/report.html" || fail "$1: the report doesn't say so"; fi
  run 0 "$dyad" knn --data "$data" --run "$work/plain"
  if grep -q "not kept" "$work/err"; then fail "$1: $(cat "$work/err")"; fi
}
report ""
run 0 "$dyad" "eval" --data "$data" --run "$work/plain"
run 0 "$dyad" finetune --data "$data" --run "$work/plain" --epochs 1
cp -r "$work/plain" "$work/good"
damage() {  # FILE PYTHON: changes the JSON in `j`
  cp "$work/good/$1" "$work/plain/$1"
  python3 - "$work/plain/$1" "$2" <<'PY'
import json, sys
j = json.load(open(sys.argv[1]))
exec(sys.argv[2])
json.dump(j, open(sys.argv[1], "w"))
PY
  report "$1"
  rm -f "$work/plain/$1"
}
damage map.json 'j["points"] = [[None] * len(p) for p in j["points"]]'
damage neighbours.json 'j["queries"] = [{}]'
damage eval.json 'j["step"] = "last"'
damage eval.json 'j["confusion"] = {"knn": [[1], [2, 3]]}'
for file in finetune-notes.json; do
  printf '%s' '{"todo": "mine"}' >"$work/plain/$file"
  report "$file"
  rm "$work/plain/$file"
done
for file in usage.jsonl monitor.jsonl; do
  printf '%s\n' '{' '{"step": "x"}' '{"step": 1e300}' '[' >>"$work/plain/$file"
done
report ""

echo "$trials commands, $failures failures"
[[ $failures == 0 ]]
