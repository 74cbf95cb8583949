#!/usr/bin/env python3
"""Compares the speed of dyad's training step with PyTorch's: same machine, same run, alternating rounds.

  scripts/compare_pytorch.py [--isa native|avx2] [--device cpu|cuda] [--dtype f32|bf16] [--tf32] [--arch resnet18]
                             [--size PIXELS] [--batch IMAGES] [--rounds N] [--steps N] [--out FILE.json]

Needs a Python with torch, torchvision and safetensors (pip install torch torchvision safetensors), and `dyad` built
with the cpu preset; --isa avx2 also needs a build with -DDYAD_ARCH=x86-64-v3.

Each program is one process that waits on stdin and runs N steps on `go N`; the others are stopped meanwhile. On the CPU the
script first finds the fastest of several thread and memory settings for each program. On a GPU each phase ends with a
synchronisation, in every program. f32 runs without TF32, unless --tf32 enables it in every program. All programs start
from the same weights and images, and their losses must agree. Prints a Markdown table.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PHASES = ["forward", "loss", "backward", "optimizer"]
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2"}
AVX2_TORCH = AVX2 | {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}

# Settings that PyTorch's documentation recommends for CPUs, tried for dyad too: bound threads, huge pages, an allocator
# that keeps its pages.
KEEP_PAGES = {"MALLOC_MMAP_THRESHOLD_": str(1 << 32), "MALLOC_TRIM_THRESHOLD_": str(1 << 34)}
SETTINGS = {
    "default": {},
    "active": {"OMP_WAIT_POLICY": "active"},
    "passive": {"OMP_WAIT_POLICY": "passive"},
    "bound": {"OMP_PROC_BIND": "true"},
    "bound, keeping malloc": {"OMP_PROC_BIND": "true"} | KEEP_PAGES,
    "bound, active, keeping malloc": {"OMP_PROC_BIND": "true", "OMP_WAIT_POLICY": "active"} | KEEP_PAGES,
    "bound, huge pages, keeping malloc": {"OMP_PROC_BIND": "true", "THP_MEM_ALLOC_ENABLE": "1"} | KEEP_PAGES,
}


class Program:
    def __init__(self, command, env):
        self.process = subprocess.Popen([str(c) for c in command], env=os.environ | env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.about = self.answer()
        self.process.send_signal(signal.SIGSTOP)  # its threads may spin

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"compare: {' '.join(self.process.args)} ended early, exit code {self.process.wait()}")
        return json.loads(line)

    def go(self, steps):
        """Seconds of each step, by phase and in total."""
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(f"go {steps}\n")
        self.process.stdin.flush()
        times = self.answer()
        self.process.send_signal(signal.SIGSTOP)
        times["step"] = [sum(phase) for phase in zip(*(times[p] for p in PHASES))]
        return times

    def end(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()


def calibrate(args, command, env):
    """(name of the fastest setting, its variables, images/s of each setting)."""
    if args.device != "cpu":
        return "default", {}, {}
    tried = {f"{args.cores} threads, {name}": setting | {"OMP_NUM_THREADS": str(args.cores)}
              for name, setting in SETTINGS.items()}
    speed = {}
    for name, setting in tried.items():
        program = Program(command, env | setting)
        program.go(2)
        speed[name] = args.batch / statistics.median(program.go(4)["step"])
        program.end()
        print(f"  {name}: {speed[name]:.1f} images/s", file=sys.stderr)
    best = max(speed, key=speed.get)
    return best, tried[best], speed


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def spread(values):
    return f"{min(values):.3g}-{max(values):.3g}"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--isa", choices=["native", "avx2"], default="native")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--steps", type=int, default=3, help="steps per round")
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--arch", default="resnet18")
    p.add_argument("--size", type=int, default=32, help="image size; up to 64 with the CIFAR stem")
    p.add_argument("--device", default="cpu")
    p.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    p.add_argument("--tf32", action="store_true")
    p.add_argument("--no-compile", action="store_true", help="without torch.compile")
    p.add_argument("--deterministic", action="store_true", help="also time PyTorch eager with deterministic engines")
    p.add_argument("--python", default=sys.executable, help="Python with torch")
    p.add_argument("--native", default="build/cpu/dyad")
    p.add_argument("--v3", default="build/v3/dyad", help="a build with -DDYAD_ARCH=x86-64-v3")
    p.add_argument("--compile-mode", default="default", help="mode of torch.compile")
    p.add_argument("--out", help="JSON file for all figures")
    args = p.parse_args()
    args.cores = len(os.sched_getaffinity(0))
    avx2 = args.isa == "avx2"
    torch_env = AVX2_TORCH if avx2 else {}
    dyad_env = AVX2 if avx2 else {"DYAD_TF32": "on"} if args.tf32 else {}

    torch = [args.python, HERE / "lab/pytorch_step.py", "--batch", args.batch, "--device", args.device,
             "--dtype", args.dtype, "--arch", args.arch, "--size", args.size, *(["--tf32"] if args.tf32 else [])]
    compiled = [*torch, "--compile", args.compile_mode, *(["--simdlen", 256] if avx2 else [])]
    commands = {"PyTorch eager": torch, "PyTorch compile": compiled,
                "dyad": [args.v3 if avx2 else args.native, "bench", "step", "--serve", "--batch", args.batch // 2,
                         "--device", args.device, "--dtype", args.dtype, "--arch", args.arch, "--size", args.size,
                         "--optimizer", "sgd", "--weight-decay", 1e-4, "--lr", 0.05]}
    if args.no_compile:
        del commands["PyTorch compile"]
    if args.deterministic:
        commands["PyTorch deterministic"] = [*torch, "--deterministic"]
    first, later = (1e-4, 0.1) if args.dtype == "f32" and not args.tf32 else (2e-2, 0.2)  # largest absolute differences of the losses
    result = {"device": args.device, "dtype": args.dtype, "tf32": args.tf32, "cpu": cpu_name(), "cores": args.cores, "isa": args.isa, "arch": args.arch, "size": args.size, "batch": args.batch, "settings": {}}
    programs = {}
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "initial.safetensors"
        for name, command in commands.items():
            print(f"{name}: settings", file=sys.stderr)
            env = dyad_env if name == "dyad" else torch_env
            best, setting, speed = calibrate(args, command, env)
            result["settings"][name] = {"best": best, "images_per_s": speed}
            programs[name] = Program([*command, "--weights", weights], env | setting)
        result["about"] = {name: program.about for name, program in programs.items()}
        losses = {name: program.go(3)["value"] for name, program in programs.items()}
        for name, values in losses.items():
            off = [abs(a - b) for a, b in zip(values, losses["dyad"])]
            # later losses differ by ReLUs whose sign rounding has flipped, more in deeper networks (not "off
            # > first": NaN must not pass)
            if not (off[0] <= first and (args.arch != "resnet18" or all(x <= later for x in off))):
                sys.exit(f"compare: the losses of {name} begin with {values}, expected those of dyad, {losses['dyad']}")
        result["first_losses"] = losses

    for program in programs.values():
        program.go(2)
    result["load_before"] = os.getloadavg()
    rounds = {name: [] for name in programs}
    order = list(programs)
    for r in range(args.rounds):
        for name in order[r % len(order):] + order[:r % len(order)]:
            rounds[name].append(programs[name].go(args.steps))
        print(f"round {r + 1}: " + ", ".join(
            f"{n} {args.batch / statistics.median(rounds[n][-1]['step']):.1f}" for n in order), file=sys.stderr)
    result["load_after"] = os.getloadavg()
    result["rounds"] = rounds
    for program in programs.values():
        program.end()

    def median(name, phase):
        return statistics.median(s for round_ in rounds[name] for s in round_[phase])

    of_round = {n: [args.batch / statistics.median(r["step"]) for r in rounds[n]] for n in order}
    print(f"| {args.isa} | images/s (rounds) | dyad is faster by (rounds) | step, ms | "
          + ", ms | ".join(PHASES) + ", ms |")
    print("|---|---|---|" + "--:|" * (len(PHASES) + 1))
    for n in order:
        ratios = [ours / theirs for ours, theirs in zip(of_round["dyad"], of_round[n])]
        faster = "" if n == "dyad" else f"**{statistics.median(ratios):.2f}x** ({spread(ratios)})"
        milliseconds = " | ".join(f"{1e3 * median(n, ph):.4g}" for ph in ["step", *PHASES])
        print(f"| {n} | {statistics.median(of_round[n]):.1f} ({spread(of_round[n])}) | {faster} | {milliseconds} |")
    if args.out:
        Path(args.out).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
