#!/usr/bin/env python3
"""Plants near duplicates among photographs and counts which of them dyad curate finds, by kind and threshold.

  scripts/lab/check_curate.py --run RUN --data DIR [--dyad build/cpu/dyad] [--images N] [--size S]
  scripts/lab/check_curate.py --run RUN --cifar DIR [--threshold T] [--picture FILE.png]

First form: copies of N photographs of DIR (image files, or CIFAR-10's binary files) are re-encoded, resized, cropped or
mirrored. Prints the recall of each kind: the share of copies in a group with their photograph, and the precision: the
share of images left out whose copy or photograph is the one that is kept. (Others may be near duplicates in DIR.)
Second form: near duplicates between the train and test images of CIFAR-10, found here by their pixels (also mirrored),
and how many of them `dyad curate --against` lists. --picture shows the pairs. Features are made with `dyad embed
--mirror`. Fails if dyad finds less than --recall of the re-encoded copies, or of CIFAR-10's pairs, of those that are
mirrored or of the others. Needs numpy and Pillow.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
from PIL import Image, ImageOps

KINDS = {"re-encoded": lambda image: image,  # as JPEG of quality 50, below
         "resized": lambda image: image.resize((image.width * 2 // 3, image.height * 2 // 3), Image.BILINEAR),
         "cropped": lambda image: image.crop((image.width // 16, image.height // 16, image.width - image.width // 16,
                                              image.height - image.height // 16)),
         "mirrored": ImageOps.mirror}


def dyad(args, *words):
    done = subprocess.run([args.dyad, *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"check_curate: {args.dyad} {' '.join(map(str, words))}: {done.stderr.strip()}")


def records(path):
    raw = numpy.fromfile(path, numpy.uint8).reshape(-1, 3073)[:, 1:]
    return raw.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def photographs(args):
    files = sorted(f for f in Path(args.data).rglob("*") if f.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if files:
        step = max(1, len(files) // args.images)
        for file in files[::step][:args.images]:
            yield ImageOps.fit(Image.open(file).convert("RGB"), (args.size, args.size))
    else:
        for pixels in records(Path(args.data) / "test_batch.bin")[:args.images]:
            yield Image.fromarray(pixels)


def plant(args, folder):
    """Writes photographs and their copies. Returns the kind of each planted pair of names."""
    planted = {}
    folder.mkdir()
    for i, image in enumerate(photographs(args)):
        image.save(folder / f"{i:05d}.png")
        kind = list(KINDS)[i % (len(KINDS) + 1)] if i % (len(KINDS) + 1) < len(KINDS) else None  # a fifth has no copy
        if kind is None:
            continue
        copy = f"{i:05d}-{kind}" + (".jpg" if kind == "re-encoded" else ".png")
        KINDS[kind](image).save(folder / copy, **({"quality": 50} if kind == "re-encoded" else {}))
        planted[frozenset((f"{i:05d}.png", copy))] = kind
    return planted


def check_planted(args, folder):
    planted = plant(args, folder / "images")
    features = folder / "features.safetensors"
    dyad(args, "embed", "--mirror", "--run", args.run, "--data", folder / "images", "--out", features)
    print(f"{args.images} photographs, {len(planted)} planted copies")
    print(f"{'threshold':>9}  {'precision':>9}  " + "  ".join(f"{kind:>10}" for kind in KINDS))
    best = 0.0
    for threshold in args.thresholds:
        out = folder / f"curated-{threshold}"
        dyad(args, "curate", "--embeddings", features, "--out", out, "--threshold", threshold, "--map", 0)
        right, left_out, justly = [], 0, 0
        for group in json.loads((out / "curate.json").read_text())["groups"]:
            names = {Path(m["name"]).name for m in group}
            pairs = [pair for pair in planted if pair <= names]
            right += [planted[pair] for pair in pairs]
            left_out += len(names) - 1
            kept = next(Path(m["name"]).name for m in group if m["what"] == "kept")
            justly += any(kept in pair for pair in pairs)
        recall = {kind: right.count(kind) / max(1, list(planted.values()).count(kind)) for kind in KINDS}
        precision = justly / left_out if left_out else float("nan")
        best = max(best, recall["re-encoded"] if precision >= 0.5 else 0.0)
        shares = "  ".join(f"{100 * recall[k]:8.1f} %" for k in KINDS)
        print(f"{threshold:9}  {100 * precision:7.1f} %  {shares}", flush=True)
    print(f"re-encoded copies at a precision of 50 % or more: {100 * best:.1f} %, expected {100 * args.recall:.0f} %")
    return best >= args.recall


def pixel_duplicates(train, test):
    """Pairs (train row, test row) whose pixels are nearly the same, as they are or mirrored."""
    def small(images):
        x = images.reshape(len(images), 8, 4, 8, 4, 3).mean((2, 4)).reshape(len(images), -1).astype(numpy.float32)
        x -= x.mean(1, keepdims=True)
        return x / numpy.maximum(numpy.linalg.norm(x, axis=1, keepdims=True), 1e-6)
    known, pairs = small(train), []
    for mirrored in (False, True):
        images = test[:, :, ::-1] if mirrored else test
        asked = small(images)
        for first in range(0, len(test), 500):
            rows, columns = numpy.nonzero(asked[first:first + 500] @ known.T > 0.985)
            for q, t in zip(rows + first, columns):
                apart = numpy.abs(images[q].astype(int) - train[t]).mean()
                if apart < 10 and images[q].std() > 12:  # not two plain backgrounds
                    pairs.append((int(t), int(q), float(apart), mirrored))
    return pairs


def draw_pairs(pairs, train, test, path):
    """A sheet of the pairs, six in a row: the training image, then the test image."""
    scale, columns, gap = 64, 6, 8
    width, height = 2 * scale + gap, scale + gap
    sheet = Image.new("RGB", (columns * width - gap, -(-len(pairs) // columns) * height - gap), "white")
    for i, (t, q, _, _) in enumerate(pairs):
        for side, pixels in enumerate((train[t], test[q])):
            image = Image.fromarray(pixels).resize((scale, scale), Image.NEAREST)
            sheet.paste(image, (i % columns * width + side * scale, i // columns * height))
    sheet.save(path, optimize=True)


def check_cifar(args, folder):
    train = numpy.concatenate([records(Path(args.cifar) / f"data_batch_{i}.bin") for i in range(1, 6)])
    test = records(Path(args.cifar) / "test_batch.bin")
    pairs = pixel_duplicates(train, test)
    known, asked = {p[0] for p in pairs}, {p[1] for p in pairs}
    print(f"by pixels: {len(pairs)} pairs, {sum(p[3] for p in pairs)} of them mirrored, of {len(known)} training and "
          f"{len(asked)} test images")
    for split in "train", "test":
        dyad(args, "embed", "--mirror", "--run", args.run, "--data", args.cifar, "--split", split, "--out",
             folder / f"{split}.safetensors")
    dyad(args, "curate", "--embeddings", folder / "train.safetensors", "--against", folder / "test.safetensors",
         "--threshold", args.threshold, "--pairs", 1, "--map", 0, "--out", folder / "curated")  # of one set: one pair
    leaks = {m["name"] for m in json.loads((folder / "curated" / "curate.json").read_text())["leaks"]}
    name = lambda row: f"data_batch_{row // 10000 + 1}.bin record {row % 10000}"
    print(f"dyad curate --against, cosine at least {args.threshold}: {len(leaks)} of {len(train)} training images")
    for t, q, apart, mirrored in pairs:
        print(f"  {name(t)}, test_batch.bin record {q}: {apart:.1f} of 255 apart{', mirrored' if mirrored else ''}"
              f"{'' if name(t) in leaks else ', not listed'}")
    if args.picture:
        draw_pairs(pairs, train, test, args.picture)
    recall = {}
    for mirrored in (False, True):
        of_kind = [p for p in pairs if p[3] == mirrored]
        found = sum(name(p[0]) in leaks for p in of_kind)
        recall[mirrored] = found / max(1, len(of_kind))
        print(f"{'mirrored' if mirrored else 'as they are'}: {found} of {len(of_kind)} pairs are among them")
    return bool(pairs) and min(recall.values()) >= args.recall


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--dyad", default="build/cpu/dyad")
    p.add_argument("--run", required=True)
    p.add_argument("--data", help="folder with image files, or with CIFAR-10's binary files")
    p.add_argument("--cifar", help="folder with CIFAR-10's binary files")
    p.add_argument("--picture", help="with --cifar: PNG file to write")
    p.add_argument("--images", type=int, default=1000)
    p.add_argument("--size", type=int, default=64)
    p.add_argument("--threshold", type=float, default=0.98)
    p.add_argument("--thresholds", type=float, nargs="+", default=[0.9, 0.95, 0.98, 0.99, 0.995])
    p.add_argument("--recall", type=float, default=0.9)
    args = p.parse_args()
    if (args.data is None) == (args.cifar is None):
        p.error("expected --data or --cifar")
    with tempfile.TemporaryDirectory() as folder:
        good = check_planted(args, Path(folder)) if args.data else check_cifar(args, Path(folder))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
