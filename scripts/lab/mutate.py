#!/usr/bin/env python3
"""Mutation testing of the kernels: plants one bug at a time and records which detectors find it (the kill table).

  scripts/lab/mutate.py [--only REGEX] [--seeds 3] [--jobs N] [--out FILE.md]
  scripts/lab/mutate.py --quick      only the four bugs that CI plants
  scripts/lab/mutate.py --list       only checks that each bug's place is found in the sources

tests/mutations.toml lists the bugs. Each is planted in a copy of this tree under build/mutants, where the program that
runs all cards is built and run: without sanitizers (gradcheck, orders, poison ...), and for bugs that a sanitizer should
find also with AddressSanitizer, ThreadSanitizer and MemorySanitizer. A bug is killed if one detector finds it with every
seed. The unchanged tree must pass before the first bug and after the last. Exit code 1 if less than 95 % are killed.
"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / "build/mutants"
PRESETS = {"plain": "cpu", "asan": "asan", "tsan": "tsan", "msan": "msan"}
CHECKS = {"gradcheck", "gradcheck/gpu", "block sizes", "repeat", "orders", "poison", "f32", "bf16"}
ALLOWED = 0.95
ABOUT = """\
`scripts/lab/mutate.py` makes this table from `tests/mutations.toml`. The tree as it is passes before and after: plain with 16
orders and poison, AddressSanitizer with UBSan (`asan`), ThreadSanitizer (`tsan`) and clang's MemorySanitizer (`msan`), 0
reports. The sanitizers were asked only about races, wrong accesses and reads of what nobody wrote. `repeat`, `orders`,
`poison`, `f32` ... are the checks of a card (docs/kernel_lab.md). Without a barrier a shared array is read before it is
written, so `msan` finds races too, where the natural order of threads shows them.
"""


running = set()  # process groups: a signal to this script does not reach them


def run(command, timeout=None, **options):
    with subprocess.Popen([str(c) for c in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True, **options) as process:
        running.add(process.pid)
        try:
            out, _ = process.communicate(timeout=timeout)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # its children too
            raise
        finally:
            running.remove(process.pid)
    return subprocess.CompletedProcess(command, process.returncode, out)


def copy_tree():
    files = run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT).stdout.split("\n")
    for name in filter(None, files):
        source, target = ROOT / name, COPY / name
        if not source.is_file():
            continue
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue  # keeps its modification time, so its objects stay valid
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)  # with its mode
    kept = {COPY / name for name in files}
    for top in COPY.iterdir():
        for old in [] if top.name == "build" else [top, *top.rglob("*")]:
            if old.is_file() and old not in kept:
                old.unlink()


def bugs(table, only, quick):
    """The bugs of a table of which a name matches and whose places are found in the sources."""
    found = [m for m in tomllib.loads((ROOT / table).read_text())["mutation"]
             if re.search(only, m["name"]) and m.get("quick", False) >= quick]
    if not found:
        sys.exit(f"mutate: no bug's name matches {only}" + " and quick" * quick)
    for m in found:
        count = (ROOT / m["file"]).read_text().count(m["from"])
        if count != 1:
            sys.exit(f"mutate: {m['name']}: its text occurs {count} times in {m['file']}, expected once")
    return found


@contextlib.contextmanager
def planted(m):
    """The copy of the tree has the bug while this context lasts."""
    file = COPY / m["file"]
    right = file.read_text()
    file.write_text(right.replace(m["from"], m["to"]))
    try:
        yield
    finally:
        file.write_text(right)


def build(kind, jobs):
    """Returns "", or the output of the failed command."""
    folder = COPY / "build" / kind
    if not (folder / "build.ninja").exists():
        # the options of this tree's builds, or ccache would not find their objects
        configured = run(["cmake", "--preset", PRESETS[kind], "-B", folder, "-DDYAD_TESTS=OFF",
                          f"-DDYAD_WERROR={os.environ.get('DYAD_WERROR', 'OFF')}"], cwd=COPY)
        if configured.returncode:
            return configured.stdout
    built = run(["cmake", "--build", folder, "--target", "racecheck_cards", "-j", jobs], cwd=COPY,
                env=os.environ | {"CCACHE_BASEDIR": str(COPY)})  # finds this tree's objects in ccache
    return built.stdout if built.returncode else ""


def detectors(kind, op, seed, limit):
    """Names of the detectors that found something in the cards of `op`."""
    try:
        result = run([COPY / "build" / kind / "apps/racecheck_cards", "--op", op, "--seed", seed],
                     timeout=limit, env=os.environ | {"OMP_WAIT_POLICY": "passive"})
    except subprocess.TimeoutExpired:
        return {"no end"}
    found = set()
    for line in result.stdout.splitlines():
        if line.startswith("        "):
            what = line.strip().split(":")[0]
            diverged = any(word in line for word in ("does not meet", "barrier", "mask"))
            found.add("divergence" if diverged else what if what in CHECKS else kind)  # else a line of a sanitizer
    if result.returncode not in (0, 1):
        found.add("crash")
    if result.returncode == 1 and not found:
        sys.exit(f"mutate: exit code 1 without a finding:\n{result.stdout}")
    return found


def check(kinds, op, seeds, limit, jobs):
    """The detectors of all kinds that found something with every seed."""
    with ThreadPoolExecutor(jobs) as pool:
        runs = {(kind, seed): pool.submit(detectors, kind, op, seed, limit) for kind in kinds for seed in range(seeds)}
        try:
            wait(runs.values())
        except BaseException:  # only the main thread receives Ctrl-C
            pool.shutdown(wait=False, cancel_futures=True)
            for group in list(running):
                with contextlib.suppress(ProcessLookupError):  # it has already ended
                    os.killpg(group, signal.SIGKILL)
            raise
    return set.intersection(*(set.union(*(runs[kind, seed].result() for kind in kinds)) for seed in range(seeds)))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", default="", help="regular expression over the names of the bugs")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--list", action="store_true")
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--limit", type=int, default=900, help="seconds for the cards of one bug while others run in parallel")
    p.add_argument("--out", help="file to write the table of all bugs to")
    args = p.parse_args()
    if args.out and (args.only or args.quick):
        sys.exit("mutate: --out is for the table of all bugs, without --only and --quick")
    mutations = bugs("tests/mutations.toml", args.only, args.quick)
    if args.list:
        print(f"{len(mutations)} bugs, each with its place")
        return 0

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    copy_tree()
    kinds = ["plain"] + (["asan", "tsan", "msan"] if any(m.get("sanitizers") for m in mutations) else [])
    ops = "|".join(sorted({m["op"] for m in mutations}))

    def unmutated(when):
        for kind in kinds:
            wrong = build(kind, args.jobs)
            if wrong:
                sys.exit(f"mutate: the tree as it is does not build ({kind}):\n{wrong[-4000:]}")
            found = detectors(kind, ops, 0, 3600)
            if found:
                sys.exit(f"mutate: {when}, the tree as it is fails: {', '.join(sorted(found))}")

    unmutated("before")
    rows, killed = [], 0
    for m in mutations:
        begun = time.time()
        with planted(m):
            asked = kinds if m.get("sanitizers") else ["plain"]
            if any("error:" in build(kind, args.jobs) for kind in asked):
                found = None
            else:
                found = check(asked, m["op"], args.seeds, args.limit, args.jobs)
        verdict = "does not compile" if found is None else ", ".join(sorted(found)) or "**survives**"
        if found is None:
            sys.exit(f"mutate: {m['name']}: {verdict}")
        killed += bool(found)
        rows.append(f"| {m['name']} | {Path(m['file']).name} | {verdict} |")
        print(f"{'killed ' if found else 'ALIVE  '} {time.time() - begun:6.1f} s  {m['name']}: {verdict}", flush=True)
    unmutated("after")

    share = killed / len(mutations)
    summary = f"{killed} of {len(mutations)} killed ({share:.1%}), each with {args.seeds} seeds"
    print(summary)
    if args.out:
        Path(args.out).write_text(f"# Planted bugs, and what finds them\n\n{summary}.\n{ABOUT}\n"
                                  "| bug | in | found by |\n|---|---|---|\n" + "\n".join(rows) + "\n")
    return 0 if share >= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
