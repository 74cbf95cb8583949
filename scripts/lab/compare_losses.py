#!/usr/bin/env python3
"""Compares the losses of two runs: scripts/lab/compare_losses.py [--equal] A.jsonl B.jsonl

A.jsonl and B.jsonl are the metrics.jsonl of two run folders. The same training on two devices differs by rounding: some
values of the views by one level of 255, and sums by their order. The difference grows with each step, faster at a higher
learning rate: by a factor of 2 to 3 at each step of a warm-up. The first loss must agree to 1e-4, each of the first 8 to
5e-3, and all means of 20 steps to 4e-2; exit code 1 if not. --equal: every loss must be equal.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import json
import sys

FIRST, EARLY, EARLY_STEPS, MEAN, WINDOW = 1e-4, 5e-3, 8, 4e-2, 20


def losses(path):
    return [json.loads(line)["loss"] for line in open(path)]


def main():
    equal = "--equal" in sys.argv
    a, b = (losses(path) for path in sys.argv[-2:])
    if len(a) != len(b) or len(a) < WINDOW:
        sys.exit(f"compare_losses: {len(a)} and {len(b)} steps, expected the same number and at least {WINDOW}")
    off = [abs(x - y) for x, y in zip(a, b)]
    print(f"{'step':>5} {'A':>9} {'B':>9} {'|A - B|':>9}")
    for i in [*range(WINDOW), *range(WINDOW + 9, len(a), 10)]:
        print(f"{i + 1:5} {a[i]:9.5f} {b[i]:9.5f} {off[i]:9.1e}")
    if equal:
        if a != b:
            sys.exit(f"compare_losses: {sum(x != y for x, y in zip(a, b))} of {len(a)} losses differ, expected none")
        print(f"all {len(a)} losses are equal")
        return
    means = [abs(sum(a[i:i + WINDOW]) - sum(b[i:i + WINDOW])) / WINDOW for i in range(0, len(a) - WINDOW + 1, WINDOW)]
    early, mean = (max(values, key=lambda x: (x != x, x)) for values in (off[:EARLY_STEPS], means))  # NaN counts as the largest
    found = (f"the first losses differ by {off[0]:.1e}, of {EARLY_STEPS} by up to {early:.1e}, means of {WINDOW} by up to "
             f"{mean:.1e}")
    if not (off[0] <= FIRST and early <= EARLY and mean <= MEAN):  # not "early > EARLY": NaN must fail
        sys.exit(f"compare_losses: {found}: expected at most {FIRST}, {EARLY} and {MEAN}")
    print(found)


if __name__ == "__main__":
    main()
