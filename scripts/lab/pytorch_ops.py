#!/usr/bin/env python3
"""Compares the times of dyad's ops with PyTorch's, at the same shapes on the same device.

  scripts/lab/pytorch_ops.py OPS.json [--compile]

OPS.json is the output of `dyad bench ops --cache warm --json`, made just before on the same machine; it gives device, type
and shapes. Both sides time consecutive runs (on a GPU as many as take 2 ms) and report the median of 20. Images are
channels last. A ratio above 1 means that dyad is faster. LARS is lightly's, over the tensors of ResNet-18. Ops without a
counterpart have no row. On the CPU a second table has views a second (op `augment`) of torchvision's v2 transforms, on PIL
images and on tensors in one process for each core, and of kornia on whole batches, if lightly and kornia are installed.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import json
import multiprocessing
import os
import re
import statistics
import sys
import time

import torch
import torch.nn.functional as F

import torch_simclr


def nhwc(*shape, device, dtype):
    """A tensor that is (N,H,W,C) in memory and (N,C,H,W) to PyTorch."""
    return torch.rand(shape, device=device, dtype=dtype).mul_(2).sub_(1).movedim(-1, 1)


def batch_norm(relu, residual):
    def f(x, weight, bias, *r):
        y = F.batch_norm(x, torch.zeros_like(weight), torch.ones_like(weight), weight, bias, training=True)
        y = y + r[0] if residual else y
        return F.relu(y) if relu else y
    return f


def convolution(filters, kernel, stride, padding):
    def inputs(s, like, weights):
        w = nhwc(filters, kernel, kernel, s[3], **weights)
        return [nhwc(*s, **like).requires_grad_(), w.requires_grad_()]
    return inputs, lambda x, w: F.conv2d(x, w.to(x.dtype), stride=stride, padding=padding)


def counterpart(op, s, like, weights):
    """PyTorch's (inputs, function), or None. `like`: of activations; `weights`: of parameters (f32 beside bf16)."""
    def x(*shape):
        return torch.rand(shape or s, **like).mul_(2).sub_(1).requires_grad_()

    def parameter(*shape):
        return torch.rand(shape, **weights).mul_(2).sub_(1).requires_grad_()

    def image():
        return nhwc(*s, **like).requires_grad_()

    if match := re.fullmatch(r"batch_norm(/relu)?(/residual|_residual)?", op):
        residual = bool(match[2])
        inputs = [image(), parameter(s[-1]), parameter(s[-1])] + [image()] * residual
        return inputs, batch_norm("relu" in op, residual)
    convolutions = {"conv2d": (64, 3, 1, 1), "conv2d/stride 2": (128, 3, 2, 1), "conv2d/1x1": (256, 1, 1, 0),
                    "conv2d/1x1 stride 2": (128, 1, 2, 0), "conv2d/7x7 stride 2": (64, 7, 2, 3)}
    if op in convolutions:
        inputs, f = convolution(*convolutions[op])
        return inputs(s, like, weights), f
    return {
        "add": lambda: ([x(), x()], torch.add),
        "add_relu": lambda: ([x(), x()], lambda a, b: F.relu(a + b)),
        "bias_add": lambda: ([x(), parameter(s[-1])], lambda a, b: a + b.to(a.dtype)),
        "bias_relu": lambda: ([x(), parameter(s[-1])], lambda a, b: F.relu(a + b.to(a.dtype))),
        "relu": lambda: ([x()], F.relu),
        "sum": lambda: ([x()], lambda a: a.sum()),
        "mean": lambda: ([x()], lambda a: a.mean()),
        "global_avg_pool": lambda: ([image()], lambda a: a.mean((2, 3))),
        "max_pool2d": lambda: ([image()], lambda a: F.max_pool2d(a, 3, 2, 1)),
        "l2_normalize": lambda: ([x()], F.normalize),
        "softmax_cross_entropy": lambda: (
            [x(), torch.randint(s[1], (s[0],), device=like["device"])], F.cross_entropy),
        "nt_xent": lambda: ([x()], lambda h: torch_simclr.nt_xent(h, 0.2)),
        "linear": lambda: ([x(s[0], s[1]), parameter(s[2], s[1]), parameter(s[2])],
                           lambda a, w, b: F.linear(a, w.to(a.dtype), b.to(a.dtype))),
        "linear/no bias": lambda: ([x(s[0], s[1]), parameter(s[2], s[1])], lambda a, w: F.linear(a, w.to(a.dtype))),
        "nchw_to_nhwc": lambda: ([x()], lambda a: a.contiguous(memory_format=torch.channels_last)),
        "nhwc_to_nchw": lambda: ([image()], lambda a: a.contiguous()),
        "top_k": lambda: ([x().detach()], lambda a: torch.topk(a, min((s[1] + 1) // 2, 200))[0]),
    }.get(op, lambda: None)()


def lars(numel):
    """A step of lightly's LARS over ResNet-18's tensors, if they have the elements of the row."""
    try:
        from lightly.utils.lars import LARS
        from torchvision.models import resnet18
    except ImportError:
        return None
    network = resnet18(num_classes=128)
    network.conv1 = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    parameters = list(network.parameters())
    if abs(sum(q.numel() for q in parameters) - numel) > 0.05 * numel:
        return None
    for q in parameters:
        q.grad = torch.rand_like(q)
    return LARS(parameters, lr=0.1, momentum=0.9, weight_decay=1e-6).step


def simclr_views(library, size, blur):
    """SimCLR's view of one image (v2 of torchvision) or of a batch (kornia)."""
    kernel = size // 10 | 1
    if library == "kornia":
        import kornia.augmentation as K
        ops = [K.RandomResizedCrop((size, size), scale=(0.08, 1)), K.RandomHorizontalFlip(),
               K.ColorJitter(0.4, 0.4, 0.4, 0.1, p=0.8), K.RandomGrayscale(p=0.2)]
        return torch.nn.Sequential(*ops, *[K.RandomGaussianBlur((kernel, kernel), (0.1, 2), p=0.5)] * blur)
    from torchvision.transforms import v2
    ops = [v2.RandomResizedCrop(size, antialias=True), v2.RandomHorizontalFlip(),
           v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], 0.8), v2.RandomGrayscale(0.2)]
    ops += [v2.RandomApply([v2.GaussianBlur(kernel, (0.1, 2))], 0.5)] * blur
    return v2.Compose(ops + [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])


def views_of(task):
    library, n, size, height, width = task
    torch.set_num_threads(1)
    image = torch.randint(0, 256, (3, height, width), dtype=torch.uint8)
    if library == "PIL":
        from torchvision.transforms.v2.functional import to_pil_image
        image = to_pil_image(image)
    transform = simclr_views(library, size, size > 64)
    begun = time.perf_counter()
    for _ in range(n):
        transform(image)
    return n / (time.perf_counter() - begun)


def views_table(rows):
    cores = len(os.sched_getaffinity(0))
    print("\n| images | views | dyad, views/s | v2 on PIL images | v2 on tensors | kornia |\n|---|---|--:|--:|--:|--:|")
    for row in rows:
        n, size, height, width = (int(x) for x in re.findall(r"\d+", row["shape"]))
        cells = [f"{height} x {width}", f"{size} pixels", f"{n / row['forward']['median']:,.0f}"]
        with multiprocessing.get_context("spawn").Pool(cores) as pool:
            for library in ("PIL", "tensors"):
                rates = pool.map(views_of, [(library, 10 * n // cores, size, height, width)] * cores, 1)
                cells.append(f"{sum(rates):,.0f}")
        try:
            batch, transform = torch.rand(n, 3, height, width), simclr_views("kornia", size, size > 64)
            cells.append(f"{n / seconds_of('cpu', lambda: transform(batch)):,.0f}")
        except ImportError:
            cells.append("")
        print("| " + " | ".join(cells) + " |", flush=True)


def seconds_of(device, f):
    def once(runs):
        if device == "cuda":
            torch.cuda.synchronize()
        begun = time.perf_counter()
        for _ in range(runs):
            f()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begun
    once(2)
    runs = max(1, min(100, int(2e-3 / once(1)) + 1)) if device == "cuda" else 1
    return statistics.median(once(runs) / runs for _ in range(20))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("ops")
    p.add_argument("--compile", action="store_true", help="also time torch.compile")
    a = p.parse_args()
    bench = json.load(open(a.ops))
    if bench.get("cache") != "warm":
        sys.exit(f"pytorch_ops: {a.ops} was measured with a cold cache, expected dyad bench ops --cache warm")
    device = bench["device"].split(":")[0]
    like = {"device": device, "dtype": torch.bfloat16 if bench["dtype"] == "bf16" else torch.float32}
    weights = {"device": device, "dtype": torch.float32}
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False  # like dyad without DYAD_TF32=on
    kinds = {"eager": lambda f: f} | ({"compile": torch.compile} if a.compile else {})
    print("| op | shape | " + " | ".join(f"{what} dyad ms | {k} ms | ratio" for what in ("forward", "both") for k in kinds)
          + " |\n|---|---|" + "--:|" * 6 * len(kinds))
    for row in bench["rows"]:
        shape = [int(n) for n in re.findall(r"\d+", row["shape"])]
        if row["op"] == "lars/lightly" and device == "cpu" and (step := lars(shape[0])):
            theirs, ours = seconds_of(device, step), row["forward"]["median"]
            cells = [f"{ours * 1e3:.4f}", f"{theirs * 1e3:.4f}", f"{theirs / ours:.2f}"] + [""] * (6 * len(kinds) - 3)
            print(f"| `{row['op']}` | {row['shape']} | {' | '.join(cells)} |")
        found = counterpart(row["op"], shape, like, weights)
        if found is None:
            continue
        inputs, plain = found
        cells = [f"`{row['op']}`", row["shape"]]
        for what in ("forward", "forward_backward"):
            for wrap in kinds.values():
                if what not in row:
                    cells += ["", "", ""]
                    continue
                f = wrap(plain)
                y = f(*inputs)
                dy = torch.ones_like(y)

                def both():
                    for t in inputs:
                        t.grad = None
                    f(*inputs).backward(dy)

                def forward():
                    with torch.no_grad():
                        f(*inputs)
                theirs = seconds_of(device, both if what == "forward_backward" else forward)
                ours = row[what]["median"]
                cells += [f"{ours * 1e3:.4f}", f"{theirs * 1e3:.4f}", f"{theirs / ours:.2f}"]
        print("| " + " | ".join(cells) + " |", flush=True)
    views = [row for row in bench["rows"] if row["op"] == "augment"]
    if views and device == "cpu":
        views_table(views)


if __name__ == "__main__":
    main()
