#!/usr/bin/env python3
"""Times of a training step's kernels on the GPU.

  scripts/lab/kernel_times.py NCU.csv [--rows N]

Reads the output of Nsight Compute for `dyad bench step --serve --optimizer sgd` with `go N`:
  ncu --csv --page raw --clock-control none --metrics gpu__time_duration.sum,dram__bytes_read.sum,dram__bytes_write.sum
Prints each kernel's launches, time, share and bytes of device memory in the last step. A step ends with the optimizer's
kernel.
"""

import argparse
import csv
import re
import sys
from collections import defaultdict

TIME, READ, WRITE = "gpu__time_duration.sum", "dram__bytes_read.sum", "dram__bytes_write.sum"
UNITS = {"ns": 1e-9, "nsecond": 1e-9, "us": 1e-6, "usecond": 1e-6, "ms": 1e-3, "msecond": 1e-3, "s": 1, "second": 1,
         "byte": 1, "Kbyte": 1e3, "Mbyte": 1e6, "Gbyte": 1e9}


def launches(path):
    """(kernel, seconds, bytes) of each launch, in order."""
    lines = [line for line in open(path) if line.startswith('"')]
    rows = csv.DictReader(lines)
    units = next(rows)
    for row in rows:
        value = {m: float(row[m].replace(",", "")) * UNITS[units[m]] for m in (TIME, READ, WRITE)}
        yield row["Kernel Name"], value[TIME], value[READ] + value[WRITE]


def short(name):
    name = re.sub(r"^void ", "", name)
    return re.sub(r"\(.*", "", re.sub(r"kernels::(\w+::)?|\(int\)|\(anonymous namespace\)::", "", name))[:86]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("csv")
    p.add_argument("--rows", type=int, default=40)
    a = p.parse_args()
    all_of_it = list(launches(a.csv))
    steps = [i for i, (name, _, _) in enumerate(all_of_it) if "sgd" in name]
    if len(steps) < 2:
        sys.exit(f"kernel_times: {a.csv} has {len(steps)} optimizer kernels in {len(all_of_it)}, expected two steps")
    last = all_of_it[steps[-2] + 1:steps[-1] + 1]
    groups = defaultdict(lambda: [0, 0.0, 0.0])
    for name, seconds, size in last:
        group = groups[short(name)]
        group[0] += 1
        group[1] += seconds
        group[2] += size
    total = sum(g[1] for g in groups.values())
    print(f"{len(last)} launches, {total * 1e3:.3f} ms in kernels, {sum(g[2] for g in groups.values()) / 1e9:.2f} GB\n")
    print("| kernel | launches | ms | share | GB | GB/s |\n|---|--:|--:|--:|--:|--:|")
    for name, (count, seconds, size) in sorted(groups.items(), key=lambda g: -g[1][1])[:a.rows]:
        print(f"| `{name}` | {count} | {seconds * 1e3:.3f} | {seconds / total:.1%} | {size / 1e9:.3f} "
              f"| {size / seconds / 1e9:.0f} |")


if __name__ == "__main__":
    main()
