#!/usr/bin/env python3
"""Exchanges encoders between dyad and torchvision and timm, both ways: strict names, equal features.

  scripts/lab/check_export.py [--dyad build/cpu/dyad]
  scripts/lab/check_export.py --golden tests/golden/torchvision.txt    writes the names that CI compares with

Needs torch, torchvision, timm and safetensors, and a built dyad. Downloads nothing: weights are random.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file

import torch_simclr

TOLERANCE = 1e-4  # largest difference of features over their largest value
failures = 0


def check(good, text):
    global failures
    failures += not good
    print(f"{'passed' if good else 'FAILED'}  {text}", flush=True)


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"check_export: {' '.join(map(str, command))}: {done.stderr.strip()}")


def test_images(data, about):
    """The test images as input of the encoder: whole, 32 x 32 pixels, normalized."""
    raw = numpy.fromfile(Path(data) / "test_batch.bin", numpy.uint8).reshape(-1, 3073)[:, 1:].reshape(-1, 3, 32, 32)
    mean, std = (torch.tensor([float(v) for v in about[k].split(",")]).view(3, 1, 1) for k in ("mean", "std"))
    return (torch.from_numpy(raw).float() / 255 - mean) / std


def features(model, images):
    with torch.no_grad():
        return torch.cat([model(part) for part in images.split(100)])


def error(ours, theirs):
    return (ours - theirs).abs().max().item() / theirs.abs().max().item()


def from_dyad(args, folder, arch, stem, width):
    """dyad trains and exports; torchvision and timm load the file strictly and compute the same features."""
    run_folder, encoder, table = folder / "run", folder / "encoder.safetensors", folder / "features"
    run(args.dyad, "pretrain", "--data", args.data, "--run", run_folder, "--arch", arch, "--stem", stem, "--width", width,
        "--batch", 8, "--steps", 2, "--optimizer", "sgd")
    run(args.dyad, "export", "--run", run_folder, "--out", encoder)
    run(args.dyad, "export", "--run", run_folder, "--out", table, "--format", "npy", "--data", args.data)
    ours = torch.from_numpy(numpy.load(table / "features.npy"))
    labels = numpy.load(table / "labels.npy")
    stored = numpy.fromfile(Path(args.data) / "test_batch.bin", numpy.uint8)[::3073]
    name = f"{arch}, {stem} stem, width {width}"
    check((labels == stored).all() and len((table / "names.txt").read_text().splitlines()) == len(labels),
          f"{name}: labels.npy and names.txt have a row for each test image")

    helper, about = torch_simclr.load_encoder(encoder)
    images = test_images(args.data, about)
    models = {"scripts/lab/torch_simclr.py": helper}
    if stem == "imagenet" and width == 1:
        tensors = load_file(encoder)
        models["torchvision"] = getattr(torchvision.models, arch)()
        models["torchvision"].fc = torch.nn.Identity()
        models["timm"] = timm.create_model(arch, num_classes=0)
        for m in list(models.values())[1:]:
            m.load_state_dict(tensors, strict=True)
    for where, model in models.items():
        off = error(features(model.eval(), images), ours)
        check(off <= TOLERANCE, f"{name}: {where} loads it strictly; features differ by {off:.1e}")


def to_dyad(args, folder, arch, source):
    """Starts a pretraining from weights of torchvision or timm, fc included: its first step has the same bits."""
    torch.manual_seed(1)
    model = getattr(torchvision.models, arch)() if source == "torchvision" else timm.create_model(arch)
    for name, buffer in model.named_buffers():  # statistics as after training
        buffer.add_(7) if name.endswith("tracked") else buffer.add_(torch.rand_like(buffer))
    weights, steps = folder / "weights.safetensors", folder / "steps.safetensors"
    save_file(model.state_dict(), weights)
    run(args.dyad, "steps", "--data", args.data, "--arch", arch, "--stem", "imagenet", "--size", 32, "--batch", 4,
        "--steps", 1, "--init-weights", weights, "--out", steps)
    written = load_file(steps)
    wrong = [n for n, t in model.state_dict().items()
             if not n.startswith("fc.") and not torch.equal(t, written["initial.encoder." + n])]
    check(not wrong, f"{arch} of {source} as --init-weights: every weight and statistic, bit by bit {wrong[:3]}")


def write_golden(path):
    lines = []
    for arch in "resnet18", "resnet34", "resnet50":
        for name, t in getattr(torchvision.models, arch)().state_dict().items():
            if not name.startswith("fc."):
                lines.append(f"{arch} {name} {'I64' if t.dtype == torch.int64 else 'F32'} {','.join(map(str, t.shape))}")
    Path(path).write_text("\n".join(lines) + "\n")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--dyad", default="build/cpu/dyad")
    p.add_argument("--data", default="data/samples", help="folder in CIFAR-10's format")
    p.add_argument("--golden")
    args = p.parse_args()
    if args.golden:
        return write_golden(args.golden)
    for arch, stem, width in (("resnet18", "imagenet", 1), ("resnet34", "imagenet", 1), ("resnet50", "imagenet", 1),
                              ("resnet18", "cifar", 1), ("resnet10", "cifar", 0.5), ("resnet50", "cifar", 0.25)):
        with tempfile.TemporaryDirectory() as folder:
            from_dyad(args, Path(folder), arch, stem, width)
    for arch in "resnet18", "resnet34", "resnet50":
        for source in "torchvision", "timm":
            with tempfile.TemporaryDirectory() as folder:
                to_dyad(args, Path(folder), arch, source)
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}, timm {timm.__version__}: {failures} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
