#!/usr/bin/env python3
"""Runs a whole pretraining with dyad and with PyTorch from the same recipe, and compares loss curves and kNN.

  scripts/lab/twin.py --data cifar-10-batches-bin [--method simclr|byol|moco3 ...] [--images 10000] [--epochs 5]
                      [--seeds 1 2 3] [--out FILE.json]

Needs torch, torchvision and safetensors, and a built dyad (--dyad). For each seed PyTorch uses dyad's initial weights and
learning rates. Each side has its own views (SimCLR's for both views and all methods), batches and order; PyTorch's views are
torchvision.transforms.v2 on the CPU. Its methods are those of scripts/lab/torch_methods.py.
Each side finds the neighbours of all test images among the training images with its own code (k = 200, T = 0.1). Prints a
Markdown table.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import json
import math
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from torchvision.transforms import v2

import torch_methods
import torch_simclr

RECORD = 1 + 3 * 32 * 32
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def first_images(source, to, count):
    """A copy of CIFAR-10 with the first count / 5 images of each training batch and all test images."""
    for path in Path(source).iterdir():
        data = path.read_bytes()
        if path.name.startswith("data_batch"):
            data = data[:count // 5 * RECORD]
        (to / path.name).write_bytes(data)


def images_of(folder, names):
    data = torch.frombuffer(bytearray(b"".join((folder / n).read_bytes() for n in names)), dtype=torch.uint8)
    data = data.view(-1, RECORD)
    return data[:, 1:].reshape(-1, 3, 32, 32), data[:, 0].long()


class Views(torch.utils.data.Dataset):
    """Two views of an image: SimCLR's for CIFAR (Chen et al. 2020, B.9), on 8-bit tensors like dyad's."""

    def __init__(self, images):
        self.images = images
        jitter = v2.ColorJitter(0.4, 0.4, 0.4, 0.1)
        self.view = v2.Compose([v2.RandomResizedCrop(32, (0.08, 1), antialias=True), v2.RandomHorizontalFlip(),
                                v2.RandomApply([jitter], 0.8), v2.RandomGrayscale(0.2)])

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.view(self.images[i]), self.view(self.images[i])


def normalized(images):
    return v2.functional.normalize(images.float() / 255, MEAN, STD).contiguous(memory_format=torch.channels_last)


def neighbours_vote(model, train, test, k=200, temperature=0.1):
    """Accuracy in percent of the weighted vote of the k nearest neighbours (Wu et al. 2018)."""
    def features(images):
        with torch.no_grad():
            return F.normalize(torch.cat([model.encoder(normalized(part)) for part in images.split(500)]))
    model.eval()
    bank, right = features(train[0]), 0
    for f, labels in zip(features(test[0]).split(500), test[1].split(500)):
        similarity, nearest = (f @ bank.T).topk(k)
        votes = torch.zeros(len(f), 10).scatter_add_(1, train[1][nearest], (similarity / temperature).exp())
        right += (votes.argmax(1) == labels).sum().item()
    return 100 * right / len(test[1])


def by_dyad(a, folder, run, seed):
    begun = time.time()
    recipe = ["--data", folder, "--arch", a.arch, "--width", a.width, "--batch", a.batch, "--optimizer", "adamw",
              "--lr", a.lr, "--seed", seed, "--method", a.method, "--views", "simclr"]
    recipe += ["--tau", 0.2] if a.method in ("simclr", "moco2", "moco3") else []
    call = lambda *words: subprocess.run([str(w) for w in (a.dyad, *words)], check=True, stdout=subprocess.DEVNULL)
    call("steps", *recipe, "--steps", 1, "--out", run + ".initial")
    call("pretrain", *recipe, "--epochs", a.epochs, "--run", run)
    seconds = time.time() - begun
    call("knn", "--data", folder, "--run", run, "--no-floors", "--json", run + ".json")
    steps = [json.loads(line) for line in open(run + "/metrics.jsonl")]
    with safe_open(run + ".initial", "pt") as file:
        initial = {n[len("initial."):]: file.get_tensor(n) for n in file.keys() if n.startswith("initial.")}
        about = file.metadata()
    return steps, initial, about, json.load(open(run + ".json")), seconds


def by_pytorch(a, train, test, seed, initial, rates, about):
    begun = time.time()
    torch.manual_seed(seed)
    method = torch_methods.METHODS[a.method](about)
    model = method.network
    model.load_state_dict({n: t for n, t in initial.items() if not n.startswith(("target.", "queue."))}, strict=True)
    model.to(memory_format=torch.channels_last).train()
    method.begin(initial)
    optimizer = torch_simclr.make_optimizer("adamw", model, 0.0, 0.9, float(about["weight-decay"]))
    loader = torch.utils.data.DataLoader(Views(train[0]), a.batch, shuffle=True, drop_last=True, num_workers=2,
                                         persistent_workers=True)
    losses = []
    while len(losses) < len(rates):
        for first, second in loader:
            for group in optimizer.param_groups:
                group["lr"] = rates[len(losses)]
            done = len(losses) / len(rates)
            loss = method.loss(normalized(first), normalized(second), done)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            method.after_step(done)
            losses.append(loss.item())
    seconds = time.time() - begun
    return losses, neighbours_vote(model, train, test), seconds


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True, help="folder of CIFAR-10's binary files")
    p.add_argument("--method", default="simclr", choices=[m for m in torch_methods.METHODS if m != "supcon"])
    p.add_argument("--lr", type=float, default=0.002, help="of AdamW")
    p.add_argument("--images", type=int, default=10000, help="number of training images")
    p.add_argument("--epochs", type=int, default=5)
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--arch", default="resnet10")
    p.add_argument("--width", type=float, default=0.5)
    p.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    p.add_argument("--dyad", default="build/cpu/dyad")
    p.add_argument("--out", help="JSON file for all results")
    a = p.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "images"
        folder.mkdir()
        first_images(a.data, folder, a.images)
        train = images_of(folder, [f"data_batch_{i}.bin" for i in range(1, 6)])
        test = images_of(folder, ["test_batch.bin"])
        for seed in a.seeds:
            steps, initial, about, knn, ours = by_dyad(a, folder, f"{scratch}/run-{seed}", seed)
            losses, theirs_knn, theirs = by_pytorch(a, train, test, seed, initial, [s["lr"] for s in steps], about)
            found.append({"seed": seed, "dyad": {"losses": [s["loss"] for s in steps], "knn": knn, "seconds": ours},
                          "pytorch": {"losses": losses, "knn": theirs_knn, "seconds": theirs}})
            print(f"seed {seed}: {ours:.0f} s and {theirs:.0f} s", flush=True)
            if a.out:
                Path(a.out).write_text(json.dumps(found, indent=1))

    each = len(found[0]["dyad"]["losses"]) // a.epochs
    mean_of = lambda side, e: statistics.mean(
        statistics.mean(f[side]["losses"][e * each:(e + 1) * each]) for f in found)
    chance = f" (chance: {math.log(2 * a.batch - 1):.2f})" if a.method == "simclr" else ""
    print(f"\nMean loss of an epoch, over the seeds{chance}\n")
    print("| epoch | " + " | ".join(str(e + 1) for e in range(a.epochs)) + " |\n|---|" + "--:|" * a.epochs)
    for side in ("dyad", "pytorch"):
        print(f"| {side} | " + " | ".join(f"{mean_of(side, e):.3f}" for e in range(a.epochs)) + " |")
    print("\n| seed | kNN, dyad | kNN, PyTorch | dyad - PyTorch |\n|---|--:|--:|--:|")
    off = []
    for f in found:
        ours, theirs = 100 * f["dyad"]["knn"]["top1"]["trained"]["knn"], f["pytorch"]["knn"]
        off.append(ours - theirs)
        print(f"| {f['seed']} | {ours:.2f} % | {theirs:.2f} % | {off[-1]:+.2f} |")
    print(f"| mean | | | {statistics.mean(off):+.2f} |")


if __name__ == "__main__":
    main()
