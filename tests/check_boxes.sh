#!/usr/bin/env bash
# scripts/lab/boxes.py reads the same boxes from COCO's and Pascal VOC's annotations, and refuses bad ones in one line.
# With Pillow also what scripts/lab/make_pasted_boxes.py writes in three formats, twice the same.
#   tests/check_boxes.sh      Python: $DYAD_ONNX_PYTHON (which has Pillow), or python3
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
python=${DYAD_ONNX_PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "check_boxes: $*"; failures=$((failures + 1)); }
boxes() { "$python" scripts/lab/boxes.py "$@" 2>&1; }
without_name() { sed '1s/^[^:]*: //'; }

# one picture: a dog, a crowd (difficult) that reaches over the right edge, and a box beside the picture
mkdir -p "$work/voc/Annotations" "$work/voc/ImageSets/Main"
cat >"$work/coco.json" <<'JSON'
{"images": [{"id": 7, "file_name": "a.jpg", "width": 60, "height": 40}],
 "categories": [{"id": 3, "name": "dog"}, {"id": 9, "name": "cat"}],
 "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 5, 20, 30], "iscrowd": 0},
                 {"id": 2, "image_id": 7, "category_id": 9, "bbox": [50, 0, 30, 40], "iscrowd": 1},
                 {"id": 3, "image_id": 7, "category_id": 9, "bbox": [70, 0, 9, 9], "iscrowd": 0}]}
JSON
cat >"$work/voc/Annotations/a.xml" <<'XML'
<annotation><size><width>60</width><height>40</height></size>
<object><name>dog</name><difficult>0</difficult>
<bndbox><xmin>11</xmin><ymin>6</ymin><xmax>30</xmax><ymax>35</ymax></bndbox></object>
<object><name>cat</name><difficult>1</difficult>
<bndbox><xmin>51</xmin><ymin>1</ymin><xmax>80</xmax><ymax>40</ymax></bndbox></object>
<object><name>cat</name>
<bndbox><xmin>71</xmin><ymin>1</ymin><xmax>79</xmax><ymax>9</ymax></bndbox></object></annotation>
XML
printf 'a  1\nb -1\n' >"$work/voc/ImageSets/Main/cat_train.txt"
expected="1 pictures, 2 boxes of 2 classes, 1 ignored (crowd, difficult); 1 boxes without area left out
  cat: 1
  dog: 1
  a.jpg: dog 10.00 5.00 20.00 30.00
  a.jpg: cat 50.00 0.00 10.00 40.00 ignored"
for file in coco.json voc/ImageSets/Main/cat_train.txt; do
  got=$(boxes "$work/$file" | without_name)
  [[ $got == "$expected" ]] || fail "$file: $got"
done

refused() {  # FILE EXPECTED
  local code=0 line
  line=$(boxes "$work/$1") || code=$?
  [[ $code == 65 && $line == "boxes: "*"$2"* && $(wc -l <<<"$line") == 1 ]] || fail "$1: exit code $code, $line"
}
echo '{"images": [' >"$work/cut.json"
sed 's/"category_id": 3/"category_id": 4/' "$work/coco.json" >"$work/class.json"
sed 's/"bbox": \[10, 5, 20, 30\]/"bbox": [10, 5, 20]/' "$work/coco.json" >"$work/three.json"
sed 's/"bbox": \[10, 5, 20, 30\]/"bbox": [10, 5, NaN, 30]/' "$work/coco.json" >"$work/nan.json"
echo '{"images": [], "categories": [], "annotations": []}' >"$work/none.json"
echo c >"$work/voc/ImageSets/Main/missing.txt"
refused cut.json "expected COCO's JSON"
refused class.json "there is no 4"
refused three.json "expected COCO's JSON"
refused nan.json "expected finite numbers"
refused none.json "has no boxes"
refused nothing.json "no such file"
refused voc/ImageSets/Main/missing.txt "expected Pascal VOC's annotation"

if "$python" -c 'import PIL' 2>/dev/null; then
  "$python" - "$work/photographs" <<'PY'
import sys
from pathlib import Path
from PIL import Image
for i in range(12):
    path = Path(sys.argv[1]) / "ab"[i % 2] / f"{i}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.linear_gradient("L").convert("RGB").resize((40 + 5 * i, 60)).save(path)
PY
  paste() {
    "$python" scripts/lab/make_pasted_boxes.py "$work/photographs" "$@" --train 6 --test 3 --size 64 >/dev/null
  }
  for format in coco voc yolo; do paste "$work/$format.made" --format $format || fail "make_pasted_boxes $format"; done
  paste "$work/again" && paste "$work/other" --seed 1
  diff -r "$work/coco.made" "$work/again" || fail "the same seed gives other pictures"
  diff -rq "$work/coco.made" "$work/other" >/dev/null && fail "another seed gives the same pictures"
  coco=$(boxes "$work/coco.made/train.json" | without_name)
  [[ $coco == "6 pictures, "* ]] || fail "make_pasted_boxes: $coco"
  for path in voc.made/ImageSets/Main/train.txt yolo.made/images/train; do
    [[ $(boxes "$work/$path" | without_name) == "$coco" ]] || fail "$path: $(boxes "$work/$path"), expected $coco"
  done
  echo '5 0.5 0.5 0.1 0.1' >"$work/yolo.made/labels/train/train00000.txt"
  refused yolo.made/images/train "with a class of classes.txt"
  paste "$work/again" 2>/dev/null && fail "a folder that is there was accepted"
else
  echo "check_boxes: no Pillow, so make_pasted_boxes.py and YOLO's format are not tested"
fi
[[ $failures == 0 ]] && echo "check_boxes: all right"
exit $((failures > 0))
