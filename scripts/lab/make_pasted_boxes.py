#!/usr/bin/env python3
"""Pastes photographs on other photographs, at random places and sizes: pictures with boxes that are known exactly.

  scripts/lab/make_pasted_boxes.py PHOTOGRAPHS OUT [--train 400] [--test 100] [--size 224] [--seed 0]
                                   [--most 4] [--format coco|voc|yolo]

PHOTOGRAPHS holds CLASS/*.jpg. OUT is a new folder. A box has the class of the photograph that is pasted; the class of
the picture below it doesn't count. A pasted photograph keeps its shape, its longer side is 20 % to 60 % of the
picture's, and at most a quarter of one is covered by another. No photograph is in a picture of both splits. The same
arguments give the same pictures and boxes. Needs Pillow.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

COVERED = 0.25


def stop(code, text):
    print(f"make_pasted_boxes: {text}", file=sys.stderr)
    sys.exit(code)


def covered(a, b):
    """The larger share that two boxes (x, y, width, height) cover of each other."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return 0 if w <= 0 or h <= 0 else w * h / min(a[2] * a[3], b[2] * b[3])


def square(image, size):
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side)).resize((size, size), Image.BILINEAR)


def load(path):
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except OSError as e:
        stop(65, f"{path}: {e}, expected a photograph")


def compose(rng, files, size, most):
    """(picture, [(class, (x, y, width, height))])"""
    picture = square(load(rng.choice(files)), size)
    boxes = []
    for _ in range(rng.randint(1, most)):
        file = rng.choice(files)
        photograph = load(file)
        scale = rng.uniform(0.2, 0.6) * size / max(photograph.size)
        width, height = (max(1, round(v * scale)) for v in photograph.size)
        for _ in range(20):  # tries; a photograph that finds no place is left out
            box = (rng.randint(0, size - width), rng.randint(0, size - height), width, height)
            if all(covered(box, b) <= COVERED for _, b in boxes):
                picture.paste(photograph.resize((width, height), Image.BILINEAR), box[:2])
                boxes.append((file.parent.name, box))
                break
    return picture, boxes


def write_coco(out, split, pictures, classes, size):
    annotations = [(i, label, box) for i, (_, boxes) in enumerate(pictures) for label, box in boxes]
    (out / f"{split}.json").write_text(json.dumps({
        "images": [{"id": i, "file_name": str(path.relative_to(out)), "width": size, "height": size}
                   for i, (path, _) in enumerate(pictures)],
        "categories": [{"id": i, "name": c} for i, c in enumerate(classes, 1)],
        "annotations": [{"id": n, "image_id": i, "category_id": classes.index(label) + 1, "bbox": box,
                         "area": box[2] * box[3], "iscrowd": 0} for n, (i, label, box) in enumerate(annotations, 1)]}))


def write_voc(out, split, pictures, classes, size):
    for folder in "Annotations", "ImageSets/Main":
        (out / folder).mkdir(parents=True, exist_ok=True)
    (out / "ImageSets/Main" / f"{split}.txt").write_text("".join(f"{path.stem}\n" for path, _ in pictures))
    for path, boxes in pictures:
        objects = "".join(
            f"<object><name>{label}</name><difficult>0</difficult><bndbox><xmin>{x + 1}</xmin><ymin>{y + 1}</ymin>"
            f"<xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>\n" for label, (x, y, w, h) in boxes)
        (out / "Annotations" / f"{path.stem}.xml").write_text(
            f"<annotation><filename>{path.name}</filename>\n<size><width>{size}</width><height>{size}</height>"
            f"<depth>3</depth></size>\n{objects}</annotation>\n")


def write_yolo(out, split, pictures, classes, size):
    (out / "classes.txt").write_text("".join(f"{c}\n" for c in classes))
    folder = out / "labels" / split
    folder.mkdir(parents=True)
    for path, boxes in pictures:
        (folder / f"{path.stem}.txt").write_text("".join(
            f"{classes.index(label)} {(x + w / 2) / size} {(y + h / 2) / size} {w / size} {h / size}\n"
            for label, (x, y, w, h) in boxes))


WRITERS = {"coco": write_coco, "voc": write_voc, "yolo": write_yolo}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("photographs", type=Path)
    p.add_argument("out", type=Path)
    p.add_argument("--train", type=int, default=400, help="pictures of this split")
    p.add_argument("--test", type=int, default=100)
    p.add_argument("--size", type=int, default=224, help="side of a picture in pixels")
    p.add_argument("--most", type=int, default=4, help="photographs that are pasted on one picture, at most")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--format", choices=sorted(WRITERS), default="coco")
    args = p.parse_args()
    if min(args.train, args.test, args.most) < 1 or args.size < 16:
        stop(2, "--train, --test and --most: expected at least 1; --size: at least 16")
    if args.out.exists():
        stop(2, f"{args.out}: is there already, expected a new folder")
    files = sorted(f for f in args.photographs.glob("*/*") if f.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if len(files) < 2:
        stop(65, f"{args.photographs}: {len(files)} photographs, expected CLASS/*.jpg")
    classes = sorted({f.parent.name for f in files})
    rng = random.Random(args.seed)
    rng.shuffle(files)
    begin = max(1, len(files) * args.test // (args.train + args.test))  # photographs of the test split
    splits = {"test": files[:begin], "train": files[begin:]}
    partial = None  # the folder appears complete or not at all
    try:
        partial = Path(tempfile.mkdtemp(prefix=f"{args.out.name}.partial-", dir=args.out.absolute().parent))
        partial.chmod(0o755)
        for split, photographs in splits.items():
            folder = partial / ("JPEGImages" if args.format == "voc" else f"images/{split}")
            folder.mkdir(parents=True, exist_ok=True)
            pictures = []
            for i in range(getattr(args, split)):
                picture, boxes = compose(rng, photographs, args.size, args.most)
                path = folder / f"{split}{i:05}.jpg"
                picture.save(path, quality=92)
                pictures.append((path, boxes))
            WRITERS[args.format](partial, split, pictures, classes, args.size)
        partial.rename(args.out)
    except OSError as e:
        stop(1, f"{args.out}: can't be made: {e}")
    finally:
        if partial:
            shutil.rmtree(partial, ignore_errors=True)
    pictures = f"{args.train} + {args.test} pictures of {args.size} x {args.size} pixels"
    print(f"{args.out}: {pictures}, {len(classes)} classes")


if __name__ == "__main__":
    main()
