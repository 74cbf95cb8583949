#!/usr/bin/env python3
"""Compares whole trainings by SimCLR: dyad and lightly, same images, batch, network and precision, in alternating rounds.

  scripts/lab/compare_training.py --data DIR [--size 32|96] [--batch 128] [--dtype f32|bf16] [--rounds 5] [--steps 12]
                                  [--arch resnet18] [--workers N] [--dyad build/cpu/dyad] [--out FILE.json]

Needs a Python with torch, torchvision and lightly (pip install torch torchvision lightly), and a quiet machine. DIR: a
folder of a folder per class, or CIFAR-10's binary files, which both programs then read as PNG files from a temporary
folder. lightly's part is its own SimCLR: LightlyDataset, SimCLRTransform (PIL) in workers, torchvision's ResNet,
SimCLRProjectionHead, NTXentLoss and SGD, with channels-last memory; up to 64 pixels with CIFAR's stem, as dyad.

A round is one process of each program. It reads, decodes, augments and trains; the first third of its steps warms up.
Prints pairs/s of the other steps, as the median of the rounds, and the peak of memory: the proportional set size of the
process and its workers, looked at every 0.2 s.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CIFAR_RECORD = 1 + 3 * 32 * 32


def write_cifar(source, folder):
    from PIL import Image
    for file in sorted(source.glob("data_batch_*.bin")):
        records = file.read_bytes()
        for i in range(len(records) // CIFAR_RECORD):
            record = records[i * CIFAR_RECORD:(i + 1) * CIFAR_RECORD]
            planes = [Image.frombytes("L", (32, 32), record[1 + p * 1024:1 + (p + 1) * 1024]) for p in range(3)]
            to = folder / f"{record[0]}"
            to.mkdir(exist_ok=True)
            Image.merge("RGB", planes).save(to / f"{file.stem}-{i:05}.png")


def lightly_steps(args):
    """One JSON line for each step: its pairs/s, from the end of the step before."""
    import torch
    import torchvision
    from lightly.data import LightlyDataset
    from lightly.loss import NTXentLoss
    from lightly.models.modules import SimCLRProjectionHead
    from lightly.transforms.simclr_transform import SimCLRTransform

    torch.manual_seed(0)
    torch.set_num_threads(args.cores)
    network = getattr(torchvision.models, args.arch)()
    width = network.fc.in_features
    if args.size <= 64:
        network.conv1 = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        network.maxpool = torch.nn.Identity()
    network.fc = SimCLRProjectionHead(width, width, 128)
    network = network.to(memory_format=torch.channels_last)
    transform = SimCLRTransform(input_size=args.size, gaussian_blur=0.0 if args.size <= 64 else 0.5)
    loader = torch.utils.data.DataLoader(LightlyDataset(str(args.data), transform=transform), batch_size=args.batch,
                                         shuffle=True, drop_last=True, num_workers=args.workers)
    criterion = NTXentLoss(temperature=0.5)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.06, momentum=0.9, weight_decay=5e-4)
    done, before = 0, time.perf_counter()
    while done < args.steps:
        for views, *_ in loader:
            images = torch.cat(views[:2]).to(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=args.dtype == "bf16"):
                z = network(images)
            loss = criterion(*z.float().chunk(2))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            now = time.perf_counter()
            print(json.dumps({"pairs_per_s": args.batch / (now - before), "loss": loss.item()}), flush=True)
            done, before = done + 1, now
            if done == args.steps:
                return


def tree_memory(root):
    """Proportional set size in bytes of a process and all below it."""
    total, open_ = 0, [root]
    while open_:
        pid = open_.pop()
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
            for task in Path(f"/proc/{pid}/task").iterdir():
                open_ += [int(child) for child in (task / "children").read_text().split()]
        except OSError:  # it has ended
            pass
    return total


def run(command, log):
    with open(log, "w") as out:
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=subprocess.STDOUT)
        peak = 0
        while process.poll() is None:
            peak = max(peak, tree_memory(process.pid))
            time.sleep(0.2)
    if process.returncode:
        sys.exit(f"compare_training: {' '.join(map(str, command))} ended with {process.returncode}:\n"
                 + Path(log).read_text()[-2000:])
    return peak


def speed(lines, batch):
    """Of the steps after those that warm up: all pairs over all seconds."""
    steps = [json.loads(line)["pairs_per_s"] for line in lines if line.startswith("{") and "pairs_per_s" in line]
    steps = steps[len(steps) // 3:]
    return len(steps) * batch / sum(batch / s for s in steps)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", type=Path, required=True)
    p.add_argument("--size", type=int, default=32)
    p.add_argument("--batch", type=int, default=128, help="pairs")
    p.add_argument("--arch", default="resnet18")
    p.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--steps", type=int, default=12, help="of each round")
    p.add_argument("--workers", type=int, help="of lightly's loader; default: the cores")
    p.add_argument("--python", default=sys.executable, help="Python with lightly")
    p.add_argument("--dyad", type=Path, default=HERE.parents[1] / "build/cpu/dyad")
    p.add_argument("--recompute", default="auto", help="of dyad: less memory, see docs/large.md")
    p.add_argument("--out", type=Path, help="JSON file for all figures")
    p.add_argument("--lightly", action="store_true", help="only lightly's steps, one JSON line each")
    args = p.parse_args()
    args.cores = len(os.sched_getaffinity(0))
    args.workers = args.cores if args.workers is None else args.workers
    if args.lightly:
        return lightly_steps(args)
    if not args.data.is_dir():
        sys.exit(f"compare_training: {args.data} is no folder")

    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        if list(args.data.glob("data_batch_*.bin")):
            images = scratch / "images"
            images.mkdir()
            write_cifar(args.data, images)
            args.data = images
        same = ["--data", args.data, "--size", args.size, "--batch", args.batch, "--arch", args.arch,
                "--dtype", args.dtype, "--steps", args.steps]
        result = {"dyad": [], "lightly": []}
        for r in range(args.rounds):
            for name in ("dyad", "lightly") if r % 2 == 0 else ("lightly", "dyad"):
                if name == "dyad":
                    folder = scratch / f"run{r}"
                    peak = run([args.dyad, "pretrain", *same, "--run", folder, "--optimizer", "sgd", "--lr", 0.06,
                                "--tau", 0.5, "--recompute", args.recompute], scratch / "log")
                    lines = (folder / "metrics.jsonl").read_text().splitlines()
                else:
                    peak = run([args.python, __file__, "--lightly", *same, "--workers", args.workers], scratch / "log")
                    lines = (scratch / "log").read_text().splitlines()
                result[name].append({"pairs_per_s": speed(lines, args.batch), "peak_bytes": peak})
                print(f"round {r + 1}: {name} {result[name][-1]['pairs_per_s']:.1f} pairs/s, {peak / 1e9:.2f} GB",
                      file=sys.stderr)

    print(f"{args.arch}, {args.batch} pairs of {args.size} pixels, {args.dtype}, {args.cores} cores, {args.workers} "
          "workers of lightly\n")
    print("| | pairs/s (rounds) | dyad is faster by (rounds) | peak memory |\n|---|--:|--:|--:|")
    ratios = [ours["pairs_per_s"] / theirs["pairs_per_s"] for ours, theirs in zip(result["dyad"], result["lightly"])]
    for name, rounds in result.items():
        speeds = [r["pairs_per_s"] for r in rounds]
        faster = "" if name == "dyad" else f"**{statistics.median(ratios):.2f}x** ({min(ratios):.2f}-{max(ratios):.2f})"
        print(f"| {name} | {statistics.median(speeds):.1f} ({min(speeds):.1f}-{max(speeds):.1f}) | {faster} | "
              f"{max(r['peak_bytes'] for r in rounds) / 1e9:.2f} GB |")
    if args.out:
        args.out.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
