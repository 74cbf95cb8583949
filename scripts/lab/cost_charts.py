#!/usr/bin/env python3
"""Measures how the cost of a training step grows on the CPU device, and draws it: docs/images/cost.svg.

  scripts/lab/cost_charts.py [--dyad build/cpu/dyad] [--steps 5] [--out docs/images/cost.svg] [--figures FILE.json]
  scripts/lab/cost_charts.py --draw FILE.json [--out PICTURE.svg]      draws what --figures has written

Needs a quiet machine, for some minutes. ResNet-18, f32: milliseconds an image against the batch, with one thread and
with all; against the image size, with CIFAR's stem; peak memory against the batch; NT-Xent, forward and backward,
against the number of images; and images/s beside 0, 1, ... other programs, with one thread and with all.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from study_chart import line as segment, text

ROOT = Path(__file__).resolve().parents[2]
WIDTH, PANEL, HEIGHT, LEFT, TOP, BOTTOM = 680, 330, 210, 52, 44, 30  # pixels; PANEL x HEIGHT: a panel

STYLE = """
  .page { fill: #ffffff; stroke: #d0d7de; }
  text { font: 12px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #424a53; }
  .title { font-size: 13px; font-weight: 600; fill: #1f2328; }
  .grid { stroke: #d8dee4; }
  polyline { fill: none; stroke-width: 2; }
  .l0 { stroke: #1f6feb; } .d0 { fill: #1f6feb; }
  .l1 { stroke: #bc4c00; } .d1 { fill: #bc4c00; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #30363d; }
    text { fill: #b1bac4; }
    .title { fill: #f0f6fc; }
    .grid { stroke: #30363d; }
    .l0 { stroke: #58a6ff; } .d0 { fill: #58a6ff; }
    .l1 { stroke: #f0883e; } .d1 { fill: #f0883e; }
  }"""


def bench(args, command, threads=None):
    """The JSON of a bench command, and the peak of its resident memory in bytes."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        env = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
        process = subprocess.Popen([str(args.dyad), "bench", *map(str, command), "--json", file.name], env=env,
                                   stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"cost_charts: dyad bench {' '.join(map(str, command))} has failed")
        return json.loads(Path(file.name).read_text()), usage.ru_maxrss * 1024


def measure(args):
    cores = len(os.sched_getaffinity(0))
    step = ["step", "--steps", args.steps]
    charts = {"batch": {}, "size": {}, "memory": {}, "nt_xent": {}, "busy": {}}
    for threads in sorted({1, cores}, reverse=True):
        line = f"{threads} thread{'s' if threads > 1 else ''}"
        for batch in (8, 16, 32, 64, 128):
            result, peak = bench(args, [*step, "--batch", batch], threads)
            charts["batch"].setdefault(line, []).append([2 * batch, 1e3 / result["images_per_s"]])
            if threads == cores:
                charts["memory"].setdefault("peak", []).append([2 * batch, peak / 1e9])
        for size in (16, 32, 48, 64, 96):
            result, _ = bench(args, [*step, "--batch", 16, "--size", size, "--stem", "cifar"], threads)
            charts["size"].setdefault(line, []).append([size, 1e3 / result["images_per_s"]])
        result, _ = bench(args, ["ops", "--op", "^nt_xent$", "--rounds", 1], threads)
        for row in result["rows"]:
            images = int(row["shape"].strip("()").split(",")[0])
            charts["nt_xent"].setdefault(line, []).append([images, 1e3 * row["forward_backward"]["median"]])
    result, _ = bench(args, ["busy"])
    for row in result["rows"]:
        line = f"{row['threads']} thread{'s' if row['threads'] > 1 else ''}"
        charts["busy"].setdefault(line, []).append(
            [row["neighbours"], sorted(row["images_per_s"])[len(row["images_per_s"]) // 2]])
    return charts


def ticks(low, high, logarithmic):
    if logarithmic:
        return [m * 10.0 ** e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for m in (1, 2, 5)
                if low * 0.999 <= m * 10.0 ** e <= high * 1.001]
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200) if high / s <= 6)
    return [step * i for i in range(int(high / step) + 1)]


def panel(x0, y0, title, below, lines, logarithmic):
    """Points of x and y; both axes are logarithmic, or both begin at 0."""
    points = [p for line in lines.values() for p in line]
    xs, ys = sorted({p[0] for p in points}), [p[1] for p in points]
    low = min(ys) / 1.2 if logarithmic else 0
    high = max(ys) * (1.2 if logarithmic else 1.1)
    scale = math.log if logarithmic else float

    def place(value, least, most, length):
        return length * (scale(value) - scale(least)) / (scale(most) - scale(least))

    def at(x, y):
        across = place(x, xs[0], xs[-1], PANEL - LEFT - 24)
        up = place(y, low, high, HEIGHT - TOP - BOTTOM)
        return x0 + LEFT + across, y0 + HEIGHT - BOTTOM - up

    out = [text(x0 + 10, y0 + 20, title, "title")]
    for y in ticks(low, high, logarithmic):
        left, height = at(xs[0], y)
        out += [segment(left, height, x0 + PANEL - 24, height, "grid"),
                text(left - 6, height + 4, f"{y:g}", anchor="end")]
    for x in xs:
        out.append(text(at(x, high)[0], y0 + HEIGHT - BOTTOM + 16, f"{x:g}", anchor="middle"))
    out.append(text(x0 + PANEL - 10, y0 + 20, below, anchor="end"))
    for i, (name, line) in enumerate(lines.items()):
        path = " ".join("{:.1f},{:.1f}".format(*at(*p)) for p in line)
        out.append(f'<polyline points="{path}" class="l{i}"/>')
        out += ['<circle cx="{:.1f}" cy="{:.1f}" r="3" class="d{}"/>'.format(*at(*p), i) for p in line]
        if len(lines) > 1:
            out.append(text(x0 + LEFT + 90 * i, y0 + 37, name, f"d{i}"))
    return out


def draw(charts):
    panels = [("Step, ms an image", "images in a batch", "batch", True), ("Step, ms an image", "pixels", "size", True),
              ("Peak memory, GB", "images in a batch", "memory", True),
              ("NT-Xent, ms", "images", "nt_xent", True), ("Images/s", "other programs", "busy", False)]
    out = []
    for i, (title, below, name, logarithmic) in enumerate(panels):
        out += panel(10 + i % 2 * PANEL, 8 + i // 2 * (HEIGHT + 8), title, below, charts[name], logarithmic)
    height = 16 + 3 * (HEIGHT + 8)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            'role="img" aria-label="How the cost of a training step grows on the CPU device">')
    page = f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6" class="page"/>'
    return "\n".join([head, f"<style>{STYLE}\n</style>", page, *out, "</svg>"]) + "\n"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--dyad", type=Path, default=ROOT / "build/cpu/dyad")
    p.add_argument("--steps", type=int, default=5)
    p.add_argument("--out", type=Path, default=ROOT / "docs/images/cost.svg")
    p.add_argument("--figures", type=Path)
    p.add_argument("--draw", type=Path)
    args = p.parse_args()
    charts = json.loads(args.draw.read_text()) if args.draw else measure(args)
    if args.figures:
        args.figures.write_text(json.dumps(charts, indent=1))
    args.out.write_text(draw(charts), "utf-8")


if __name__ == "__main__":
    main()
