#!/usr/bin/env python3
"""Compares each augmentation op of dyad with torchvision.transforms.v2.functional, on 8-bit images.

  scripts/lab/oracle_augment.py [--seed S] [--dyad build/cpu/dyad] [--threads host|gpu]

Needs torch, torchvision and safetensors, and a built dyad. Sources have every height and every width from 1 to 300 and are
not square; views have every size from 1 to 224. Crop and resize are tested alone, every other op without resizing, and
then all ops together. Prints a Markdown table; exit code 1 if an op has less than 99.9 % of its values within one level of
255.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from augment_golden import apply, pack, photograph, view

LARGEST_SOURCE, LARGEST_VIEW, LARGEST_KERNEL = 300, 224, 63


def every(random_, largest):
    """1 .. largest in random order, repeated for ever."""
    while True:
        yield from random_.sample(range(1, largest + 1), largest)


def crop(r, h, w):
    ch, cw = r.randint(1, h), r.randint(1, w)
    return dict(top=r.randint(0, h - ch), left=r.randint(0, w - cw), crop_height=ch, crop_width=cw)


def jitter(r, op):
    return (op, r.uniform(-0.5, 0.5) if op == "hue" else r.uniform(0, 2))


def blur(r, size):
    widest = min(LARGEST_KERNEL, 2 * size - 1)  # reflection padding allows no more
    return dict(blur_sigma=r.uniform(0.1, 2), blur_kernel=r.randrange(1, widest + 1, 2))


def cases(r, size, heights, widths):
    """(op, height, width, changes of the view)"""
    for name, changes in (("crop, bilinear", {}), ("crop, bicubic", dict(bicubic=1)),
                          ("crop, bilinear, no antialias", dict(antialias=0)),
                          ("crop, bicubic, no antialias", dict(antialias=0, bicubic=1))):
        h, w = next(heights), next(widths)
        yield name, h, w, crop(r, h, w) | changes
    same = {"flip": dict(flip=1), "rotate": dict(angle=r.uniform(-180, 180)), "grayscale": dict(grayscale=1),
            "solarize": dict(solarize=r.randint(0, 255)), "blur": blur(r, size)}
    for op in "brightness", "contrast", "saturation", "hue":
        same[op] = dict(jitter=[jitter(r, op)])
    for name, changes in same.items():
        yield name, size, size, changes
    h, w = next(heights), next(widths)
    ops = r.sample(["brightness", "contrast", "saturation", "hue"], 4)
    gentle = {"brightness": (0.6, 1.4), "contrast": (0.6, 1.4), "saturation": (0.6, 1.4), "hue": (-0.1, 0.1)}
    yield "SimCLR's, s = 0.5", h, w, crop(r, h, w) | dict(
        flip=r.randint(0, 1), jitter=[(op, r.uniform(*gentle[op])) for op in ops], grayscale=int(r.random() < 0.2))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--dyad", default="build/cpu/dyad")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", default="host", help="dyad's threads: one per block, or the GPU's block sizes")
    args = p.parse_args()
    r, generator = random.Random(args.seed), torch.Generator().manual_seed(args.seed)
    heights, widths = every(r, LARGEST_SOURCE), every(r, LARGEST_SOURCE)
    counts = defaultdict(lambda: [0, 0, 0, 0, 0])  # cases, values, equal, within one level, largest difference
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "views", Path(folder) / "levels"
        for size in range(1, LARGEST_VIEW + 1):
            names, pixels, views, expected = [], [], [], []
            offset = 0
            for name, h, w, changes in cases(r, size, heights, widths):
                image = photograph(h, w, generator)
                v = view(h, w, **changes)
                names.append(name)
                pixels.append(image.permute(1, 2, 0).flatten())
                views.append(torch.frombuffer(bytearray(pack(v, offset)), dtype=torch.uint8))
                expected.append(apply(image, v, size).permute(1, 2, 0))
                offset += pixels[-1].numel()
            save_file({"pixels": torch.cat(pixels), "views": torch.stack(views)}, given)
            done = subprocess.run([args.dyad, "data", "views", "--in", given, "--out", made, "--size", str(size),
                                   "--threads", args.threads], capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"oracle_augment: size {size}: {done.stderr.strip()}")
            for name, ours, theirs in zip(names, load_file(made)["levels"], expected):
                off = (ours.int() - theirs.int()).abs()
                c = counts[name]
                c[0] += 1
                c[1] += off.numel()
                c[2] += (off == 0).sum().item()
                c[3] += (off <= 1).sum().item()
                c[4] = max(c[4], off.max().item())
    bad = 0
    print("| op | views | values | equal | within one level | largest difference |\n|---|--:|--:|--:|--:|--:|")
    for name, (n, values, equal, near, largest) in counts.items():
        bad += near < 0.999 * values
        print(f"| {name} | {n} | {values:,} | {100 * equal / values:.3f} % | {100 * near / values:.4f} % | {largest} |")
    print(f"\nseed {args.seed}, {args.threads}, torch {torch.__version__}: {bad} of {len(counts)} ops below 99.9 %")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
