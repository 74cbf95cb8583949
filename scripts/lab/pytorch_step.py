#!/usr/bin/env python3
"""The PyTorch side of compare_pytorch.py: times a SimCLR training step on request.

Reads lines `go N` from stdin; runs N steps and answers with one JSON line of seconds by phase. The step is the one
of apps/bench_step.cpp: ResNet-18 (CIFAR stem) or another, projection head of two layers, NT-Xent, backward,
SGD with momentum. Images stay in memory, channels last. f32, or bf16 by autocast.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import json
import sys
import time

import torch

import torch_simclr


def images(batch, size):
    """The same noise as in apps/bench_step.cpp, NHWC: a hash of each element's index."""
    low = 0xFFFFFFFF
    h = torch.arange(batch * size * size * 3) * 2654435761 & low
    h = (h ^ h >> 15) * 2246822519 & low
    h ^= h >> 13
    return (h.float() / 2**30 - 2).reshape(batch, size, size, 3).permute(0, 3, 1, 2)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--arch", default="resnet18")
    p.add_argument("--size", type=int, default=32, help="image size; up to 64 with the CIFAR stem")
    p.add_argument("--device", default="cpu")
    p.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    p.add_argument("--tf32", action="store_true", help="compute f32 products on a GPU's tensor cores, in TF32")
    p.add_argument("--deterministic", action="store_true", help="only deterministic engines of cuDNN, like dyad")
    p.add_argument("--compile", default="", help="mode of torch.compile; empty: eager")
    p.add_argument("--simdlen", type=int, help="vector width in bits of code from torch.compile")
    p.add_argument("--weights", help="write the initial weights here (safetensors)")
    a = p.parse_args()
    torch.manual_seed(0)
    cuda = a.device.startswith("cuda")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = a.tf32
    torch.backends.cudnn.deterministic = a.deterministic
    torch.backends.cudnn.benchmark = cuda  # as PyTorch's documentation recommends: times cuDNN's algorithms

    model = torch_simclr.SimCLR(a.arch, "cifar" if a.size <= 64 else "imagenet").to(memory_format=torch.channels_last).train()
    if a.weights:
        from safetensors.torch import save_file
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, a.weights)
    model.to(a.device)
    decayed = [p for p in model.parameters() if p.ndim > 1]  # not biases and normalization, like dyad
    others = [p for p in model.parameters() if p.ndim == 1]
    optimizer = torch.optim.SGD([{"params": decayed, "weight_decay": 1e-4}, {"params": others}],
                                lr=0.05, momentum=0.9, fused=True)
    x = images(a.batch, a.size).to(a.device).contiguous(memory_format=torch.channels_last)
    forward, loss_of = model.forward, torch_simclr.nt_xent
    if a.compile:
        if a.simdlen:
            from torch._inductor import config as inductor
            inductor.cpp.simdlen = a.simdlen
        forward = torch.compile(forward, mode=a.compile)
        loss_of = torch.compile(loss_of, mode=a.compile)

    def now():
        if cuda:
            torch.cuda.synchronize()
        return time.perf_counter()

    def step():
        times = [now()]
        with torch.autocast(a.device.split(":")[0], torch.bfloat16, enabled=a.dtype == "bf16"):
            h = forward(x)
        times.append(now())
        loss = loss_of(h.float(), 0.5)
        times.append(now())
        loss.backward()
        times.append(now())
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        times.append(now())
        return [b - a for a, b in zip(times, times[1:])], loss.item()

    print(json.dumps({"ready": True, "version": torch.__version__, "threads": torch.get_num_threads(),
                      "isa": torch.backends.cpu.get_cpu_capability()}), flush=True)
    for line in sys.stdin:
        word, _, n = line.partition(" ")
        if word != "go":
            break
        steps = [step() for _ in range(int(n))]
        columns = list(zip(*(t for t, _ in steps)))
        print(json.dumps({"forward": columns[0], "loss": columns[1], "backward": columns[2],
                          "optimizer": columns[3], "value": [v for _, v in steps]}), flush=True)


if __name__ == "__main__":
    main()
