#!/usr/bin/env python3
"""Reads pictures with boxes: COCO's JSON, Pascal VOC's XML, YOLO's text. As a program it says what a file holds.

  scripts/lab/boxes.py instances_val.json [--images FOLDER]      COCO; images: default the JSON file's folder
  scripts/lab/boxes.py VOC2007/ImageSets/Main/trainval.txt       Pascal VOC: JPEGImages/ID.jpg, Annotations/ID.xml
  scripts/lab/boxes.py DIR/images/train                          YOLO: DIR/labels/train/NAME.txt, DIR/classes.txt

Needs no package; of YOLO, whose boxes are shares of a picture's size, Pillow.
"""

import argparse
import json
import math
import sys
import xml.etree.ElementTree as xml
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

PICTURES = {".jpg", ".jpeg", ".png", ".bmp"}


class BadData(Exception):
    """One line: where, what, what was expected. Exit code 65."""


@dataclass
class Box:
    label: str
    x: float  # of the left edge, in pixels; the picture's left edge is 0
    y: float
    width: float
    height: float
    ignored: bool = False  # a crowd (COCO) or difficult (VOC): neither trained on nor counted


@dataclass
class Picture:
    path: Path
    width: int
    height: int
    boxes: list = field(default_factory=list)


def fitted(box, picture, where):
    """The part of the box inside its picture; None if it has no area."""
    numbers = box.x, box.y, box.width, box.height
    if not all(math.isfinite(v) for v in numbers):
        raise BadData(f"{where}: a box is {numbers}, expected finite numbers")
    left, top = max(box.x, 0), max(box.y, 0)
    right, bottom = min(box.x + box.width, picture.width), min(box.y + box.height, picture.height)
    return Box(box.label, left, top, right - left, bottom - top, box.ignored) if right > left and bottom > top else None


def read_coco(path, images):
    try:
        data = json.loads(path.read_text())
        names = {c["id"]: c["name"] for c in data["categories"]}
        pictures = {i["id"]: Picture(images / i["file_name"], i["width"], i["height"]) for i in data["images"]}
        for a in data["annotations"]:
            x, y, width, height = map(float, a["bbox"])
            pictures[a["image_id"]].boxes.append(
                Box(names[a["category_id"]], x, y, width, height, bool(a.get("iscrowd", 0))))
    except (ValueError, TypeError, AttributeError) as e:
        raise BadData(f"{path}: {e}, expected COCO's JSON") from None
    except KeyError as e:
        raise BadData(f"{path}: there is no {e}, expected COCO's images, categories and annotations") from None
    return [pictures[i] for i in sorted(pictures)]


def read_voc(path):
    root = path.parents[2]
    pictures = []
    for line in path.read_text().splitlines():
        words = line.split()
        if not words or words[1:] == ["-1"]:  # lists of one class say -1 of pictures without it
            continue
        file = root / "Annotations" / f"{words[0]}.xml"
        try:
            tree = xml.parse(file).getroot()
            size = [int(tree.findtext(f"size/{side}")) for side in ("width", "height")]
            picture = Picture(root / "JPEGImages" / f"{words[0]}.jpg", *size)
            for o in tree.iter("object"):
                left, top, right, bottom = (float(o.findtext(f"bndbox/{k}")) for k in ("xmin", "ymin", "xmax", "ymax"))
                # VOC counts pixels from 1, and the last one belongs to the box
                picture.boxes.append(Box(o.findtext("name"), left - 1, top - 1, right - left + 1, bottom - top + 1,
                                         o.findtext("difficult") == "1"))
        except (OSError, xml.ParseError, TypeError, ValueError) as e:
            raise BadData(f"{file}: {e}, expected Pascal VOC's annotation") from None
        pictures.append(picture)
    return pictures


def read_yolo(path):
    from PIL import Image
    parts = list(path.absolute().parts)
    if "images" not in parts:
        raise BadData(f"{path}: expected a folder below images/, with labels/ beside it")
    at = len(parts) - 1 - parts[::-1].index("images")
    root, labels = Path(*parts[:at]), Path(*parts[:at], "labels", *parts[at + 1:])
    classes = root / "classes.txt"
    names = classes.read_text().splitlines() if classes.exists() else None
    pictures = []
    for file in sorted(f for f in path.iterdir() if f.suffix.lower() in PICTURES):
        with Image.open(file) as image:
            picture = Picture(file, *image.size)
        text = labels / f"{file.stem}.txt"  # none: a picture without boxes
        for n, line in enumerate(text.read_text().splitlines() if text.exists() else [], 1):
            try:
                number, x, y, width, height = int(line.split()[0]), *map(float, line.split()[1:])
                label = names[number] if names and number >= 0 else str(number)
            except (ValueError, IndexError):
                raise BadData(f"{text} line {n}: {line!r}, expected CLASS X Y WIDTH HEIGHT, with a class of "
                              f"{classes.name}") from None
            w, h = width * picture.width, height * picture.height
            picture.boxes.append(Box(label, x * picture.width - w / 2, y * picture.height - h / 2, w, h))
        pictures.append(picture)
    return pictures


def read_boxes(path, images=None):
    """(pictures, number of boxes that were left out since they have no area in their picture)"""
    path = Path(path)
    if not path.exists():
        raise BadData(f"{path}: no such file or folder")
    if path.is_dir():
        pictures = read_yolo(path)
    elif path.suffix == ".json":
        pictures = read_coco(path, Path(images) if images else path.parent)
    elif path.suffix == ".txt" and (path.absolute().parents[2] / "Annotations").is_dir():
        pictures = read_voc(path.absolute())
    else:
        raise BadData(f"{path}: expected COCO's .json, a list of VOC's ImageSets/Main, or a folder of YOLO's images")
    left_out = 0
    for p in pictures:
        if p.width <= 0 or p.height <= 0:
            raise BadData(f"{path}: {p.path.name} is {p.width} x {p.height} pixels")
        boxes = [fitted(b, p, f"{path}: {p.path.name}") for b in p.boxes]
        p.boxes = [b for b in boxes if b]
        left_out += len(boxes) - len(p.boxes)
    if not any(p.boxes for p in pictures):
        raise BadData(f"{path}: has no boxes")
    return pictures, left_out


def describe(pictures, left_out):
    boxes = [b for p in pictures for b in p.boxes]
    classes = {b.label for b in boxes}
    ignored = sum(b.ignored for b in boxes)
    return (f"{len(pictures)} pictures, {len(boxes)} boxes of {len(classes)} classes"
            + (f", {ignored} ignored (crowd, difficult)" if ignored else "")
            + (f"; {left_out} boxes without area left out" if left_out else ""))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("path")
    p.add_argument("--images", help="folder of the pictures, of COCO")
    args = p.parse_args()
    try:
        pictures, left_out = read_boxes(args.path, args.images)
    except BadData as e:
        print(f"boxes: {e}", file=sys.stderr)
        sys.exit(65)
    print(f"{args.path}: {describe(pictures, left_out)}")
    for label, count in sorted(Counter(b.label for q in pictures for b in q.boxes).items()):
        print(f"  {label}: {count}")
    for q in pictures[:3]:
        for b in q.boxes:
            numbers = f"{b.x:.2f} {b.y:.2f} {b.width:.2f} {b.height:.2f}"
            print(f"  {q.path.name}: {b.label} {numbers}{' ignored' if b.ignored else ''}")


if __name__ == "__main__":
    main()
