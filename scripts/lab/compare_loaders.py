#!/usr/bin/env python3
"""Compares loading of images: dyad beside torchvision + PIL with torch's DataLoader, in alternating rounds of one run.

  scripts/lab/compare_loaders.py --data DIR [--size 224] [--threads T] [--rounds 5] [--images 256]
                                 [--dyad build/cpu/dyad] [--out FILE.json]

Needs a Python with torch and torchvision (pip install torch torchvision). DIR: a folder of image files, or the word
mosaics: 400 JPEGs of 500 x 375 pixels (quality 92, 4:2:0) are then cut from mosaics of the photographs in --photos
DIR, at their own scale, so that they have the detail of photographs.

A view is a random crop, resized with antialiasing, and a flip, as normalized f32; each image has two. torchvision's
part is ImageFolder, RandomResizedCrop, RandomHorizontalFlip, ToTensor and Normalize. dyad's part is `dyad bench loader`
on the folder and on packs of it. `loading` is all work up to the pixels on which a device makes the views; for
torchvision it is decoding alone. Figures are medians of the rounds: images per CPU second of one core, and images/s by
the clock with T threads or workers.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VIEWS = ["--jitter-p", "0", "--gray-p", "0", "--blur-p", "0", "--interpolation", "bilinear"]
PACKS = {"pack, keep": [], "pack, raw": ["--encode", "raw"],
         "pack, raw, 256": ["--encode", "raw", "--shorter-side", "256"],
         "pack, jpeg:95, 256": ["--encode", "jpeg:95", "--shorter-side", "256"]}


def write_mosaics(photos, folder, count=400):
    from PIL import Image
    files = sorted(p for p in Path(photos).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    draw = random.Random(0)
    (folder / "train" / "mosaics").mkdir(parents=True)
    for i in range(count):
        sheet = Image.new("RGB", (672, 448))
        for k in range(6):
            sheet.paste(Image.open(draw.choice(files)).convert("RGB"), (k % 3 * 224, k // 3 * 224))
        x, y = draw.randrange(172), draw.randrange(73)
        file = folder / "train" / "mosaics" / f"{i:04}.jpg"
        sheet.crop((x, y, x + 500, y + 375)).save(file, quality=92, subsampling=2)
    return folder


def torchvision_figures(args):
    """Prints one JSON line: images per CPU second of decoding, and with two views, and images/s of a DataLoader."""
    import torch
    import torchvision
    from torchvision import transforms
    torch.set_num_threads(1)
    view = transforms.Compose([transforms.RandomResizedCrop(args.size), transforms.RandomHorizontalFlip(),
                               transforms.ToTensor(),
                               transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
    folder = args.data / "train" if (args.data / "train").is_dir() else args.data
    decoded = torchvision.datasets.ImageFolder(str(folder))
    viewed = torchvision.datasets.ImageFolder(str(folder), transform=lambda image: (view(image), view(image)))
    order = random.Random(args.round).sample(range(len(decoded)), min(args.images, len(decoded)))

    def cpu(images):
        images[order[0]]
        begun = time.process_time()
        for i in order:
            images[i]
        return len(order) / (time.process_time() - begun)

    loader = torch.utils.data.DataLoader(torch.utils.data.Subset(viewed, order * 4), batch_size=32,
                                         num_workers=args.threads)
    batches = iter(loader)
    next(batches)  # the workers have started
    begun, images = time.perf_counter(), 0
    for views, _ in batches:
        images += len(views[0])
    print(json.dumps({"loading": cpu(decoded), "views": cpu(viewed), "clock": images / (time.perf_counter() - begun)}))


def dyad_figures(args, data):
    """The rows of dyad bench loader, by their way of decoding."""
    batch = min(64, args.images)
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        subprocess.run([args.dyad, "bench", "loader", "--data", data, "--size", str(args.size), "--threads",
                        str(args.threads), "--batch", str(batch), "--steps", str(args.images // batch), "--repeat",
                        "1", "--seed", str(args.round), "--json", result.name, *VIEWS],
                       check=True, stdout=subprocess.DEVNULL)
        rows = json.load(open(result.name))["decodings"]
    return {row["decoding"]: {"loading": row["images_per_cpu_s"], "views": row["images_per_cpu_s_with_views"],
                              "clock": row["images_per_s"]} for row in rows}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--dyad", type=Path, default=Path("build/cpu/dyad"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--torchvision", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--round", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.torchvision:
        return torchvision_figures(args)

    figures = {}  # of each program, in each round

    def note(name, values):
        figures.setdefault(name, []).append(values)

    with tempfile.TemporaryDirectory(prefix="compare-loaders-") as scratch:
        if str(args.data) == "mosaics":
            if args.photos is None:
                sys.exit("compare_loaders: --data mosaics needs --photos DIR")
            args.data = write_mosaics(args.photos, Path(scratch) / "mosaics")
        sets = {"dyad, files": args.data}
        for name, options in PACKS.items():
            sets[f"dyad, {name}"] = Path(scratch) / name.replace(" ", "").replace(",", "-").replace(":", "")
            subprocess.run([args.dyad, "data", "pack", "--data", args.data, "--out", sets[f"dyad, {name}"], *options],
                           check=True, stdout=subprocess.DEVNULL)
        for args.round in range(args.rounds):
            command = [sys.executable, __file__, "--torchvision", "--data", args.data, "--size", args.size, "--threads",
                       args.threads, "--images", args.images, "--round", args.round]
            done = subprocess.run([str(word) for word in command], check=True, text=True, stdout=subprocess.PIPE)
            note("torchvision + PIL", json.loads(done.stdout))
            for name, data in sets.items():
                rows = dyad_figures(args, data)
                if name == "dyad, files":
                    note("dyad, files decoded whole", rows["whole"])
                note(name, rows["exact"])
            print(f"round {args.round + 1} of {args.rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)

    medians = {name: {key: statistics.median(v[key] for v in rounds) for key in rounds[0]}
               for name, rounds in figures.items()}
    base = medians["torchvision + PIL"]
    print(f"| images/s | loading, a core | with two views of {args.size}, a core | both beside torchvision's views | "
          f"by the clock, {args.threads} threads |\n|---|--:|--:|--:|--:|")
    for name, m in medians.items():
        print(f"| {name} | {m['loading']:,.0f} | {m['views']:,.0f} | {m['loading'] / base['views']:.1f}x, "
              f"{m['views'] / base['views']:.1f}x | {m['clock']:,.0f} |")
    if args.out:
        args.out.write_text(json.dumps({"size": args.size, "threads": args.threads, "rounds": figures,
                                        "medians": medians}, indent=1) + "\n")


if __name__ == "__main__":
    main()
