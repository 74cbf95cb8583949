#!/usr/bin/env python3
"""Mutation testing beyond the kernels: plants one bug at a time in engine/, data/, models/ or apps/ and runs the tests
that must notice it (the kill table).

  scripts/lab/mutate_tests.py [--only REGEX] [--jobs N] [--out FILE.md]
  scripts/lab/mutate_tests.py --list       only checks that each bug's place is found in the sources

tests/mutations_beyond_kernels.toml lists the bugs and the names of their tests. Each is planted in a copy of this tree
under build/mutants, which is built and tested. The unchanged tree must pass these tests before the first bug. Exit code 1
if less than 95 % of the bugs are killed. scripts/lab/mutate.py does the same for the kernels.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import argparse
import os
import re
import sys
import time
from pathlib import Path

from mutate import ALLOWED, COPY, bugs, copy_tree, planted, run

BUILD = COPY / "build/tests"
ABOUT = """\
`scripts/lab/mutate_tests.py` makes this table from `tests/mutations_beyond_kernels.toml`. The unchanged tree passes
these tests. The last column has the tests that failed, of those that the table names for the bug.
"""


def build(jobs):
    """Returns "", or the output of the failed command."""
    if not (BUILD / "build.ninja").exists():
        # a bug may leave a name unused
        configured = run(["cmake", "--preset", "cpu", "-B", BUILD, "-DDYAD_WERROR=OFF"], cwd=COPY)
        if configured.returncode:
            return configured.stdout
    built = run(["cmake", "--build", BUILD, "-j", jobs, "--", "--quiet"], cwd=COPY,
                env=os.environ | {"CCACHE_BASEDIR": str(COPY)})
    return built.stdout if built.returncode else ""


def failed_tests(names, jobs):
    """The names of the tests that fail, of those whose names match."""
    result = run(["ctest", "-R", f"^({names})$", "-j", jobs, "--timeout", "600", "--no-tests=error"], cwd=BUILD,
                 env=os.environ | {"OMP_WAIT_POLICY": "passive"})
    failed = re.findall(r"^\s*\d+ - (\S+) \(", result.stdout, re.MULTILINE)
    if result.returncode and not failed:
        sys.exit(f"mutate_tests: ctest failed:\n{result.stdout[-2000:]}")
    return failed


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", default="", help="regular expression over the names of the bugs")
    p.add_argument("--list", action="store_true")
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--out", help="file to write the table of all bugs to")
    args = p.parse_args()
    if args.out and args.only:
        sys.exit("mutate_tests: --out is for the table of all bugs, without --only")
    mutations = bugs("tests/mutations_beyond_kernels.toml", args.only, False)
    if args.list:
        print(f"{len(mutations)} bugs, each with its place")
        return 0

    copy_tree()
    if wrong := build(args.jobs):
        sys.exit(f"mutate_tests: the tree as it is does not build:\n{wrong[-4000:]}")
    if failed := failed_tests("|".join(sorted({m["tests"] for m in mutations})), args.jobs):
        sys.exit(f"mutate_tests: the tree as it is fails: {', '.join(failed)}")
    rows, killed = [], 0
    for m in mutations:
        begun = time.time()
        with planted(m):
            if wrong := build(args.jobs):
                sys.exit(f"mutate_tests: {m['name']}: does not build:\n{wrong[-2000:]}")
            failed = failed_tests(m["tests"], args.jobs)
        verdict = ", ".join(failed) or "**survives**"
        killed += bool(failed)
        rows.append(f"| {m['name']} | {m['file']} | {verdict} |")
        print(f"{'killed ' if failed else 'ALIVE  '} {time.time() - begun:6.1f} s  {m['name']}: {verdict}", flush=True)

    share = killed / len(mutations)
    summary = f"{killed} of {len(mutations)} killed ({share:.1%})"
    print(summary)
    if args.out:
        Path(args.out).write_text(f"# Bugs planted beyond the kernels, and the tests that notice them\n\n{summary}.\n{ABOUT}\n"
                                  "| bug | in | tests that fail |\n|---|---|---|\n" + "\n".join(rows) + "\n")
    return 0 if share >= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
