#!/usr/bin/env python3
"""Two runs' losses side by side: scripts/compare_losses.py A.jsonl B.jsonl (metrics.jsonl of two run folders).

The same training on two devices differs by rounding: views by a level of 255 here and there, sums by their order. That
grows from step to step. The first loss must agree to 1e-3 and each of the first 20 to 2e-2; exit code 1 if not.
"""

import json
import sys

FIRST, LATER, STEPS = 1e-3, 2e-2, 20


def losses(path):
    return [json.loads(line)["loss"] for line in open(path)]


def main():
    a, b = (losses(path) for path in sys.argv[1:3])
    if len(a) != len(b) or len(a) < STEPS:
        sys.exit(f"compare_losses: {len(a)} and {len(b)} steps, expected as many and at least {STEPS}")
    off = [abs(x - y) for x, y in zip(a, b)]
    print(f"{'step':>5} {'A':>9} {'B':>9} {'|A - B|':>9}")
    for i in [*range(STEPS), *range(STEPS + 9, len(a), 10)]:
        print(f"{i + 1:5} {a[i]:9.5f} {b[i]:9.5f} {off[i]:9.1e}")
    worst = max(off[:STEPS], key=lambda x: (x != x, x))  # NaN is the worst
    # not "worst > LATER": NaN must fail
    if not (off[0] <= FIRST and all(x <= LATER for x in off[:STEPS])):
        sys.exit(f"compare_losses: the first losses differ by {off[0]:.1e}, of {STEPS} by up to {worst:.1e}: "
                 f"expected at most {FIRST} and {LATER}")
    print(f"the first {STEPS} losses agree to {worst:.1e}")


if __name__ == "__main__":
    main()
