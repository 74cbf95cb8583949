#!/usr/bin/env python3
"""Reads a run's event files with TensorBoard, and compares the values with metrics.jsonl, monitor.jsonl and
usage.jsonl.

    scripts/lab/check_events.py RUN        needs the PyPI package tensorboard; exit code 77 without it
"""

import print_help  # noqa: F401  (first: --help needs no package)

import json
import math
import pathlib
import struct
import sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ModuleNotFoundError as error:
    print(f"check_events: skipped: {error} in {sys.executable}")
    sys.exit(77)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def figures(run):
    """{(tag, step): value} from the run's JSON lines."""
    found = {}
    for line in lines(run / "metrics.jsonl"):
        step = line.pop("step")
        for key, tag in (("loss", "train/loss"), ("lr", "train/lr"), ("gradient_norm", "train/gradient_norm"),
                         ("pairs_per_s", "speed/pairs_per_s"), ("data_wait", "speed/data_wait")):
            if line.get(key) is not None:
                found[tag, step] = line[key]
        for name, value in line.get("phases_ms", {}).items():
            found["phases_ms/" + name, step] = value
    for file, group in ("monitor.jsonl", "monitor/"), ("usage.jsonl", "system/"):
        for line in lines(run / file):
            step = line.pop("step")
            del line["epoch"]
            found.update({(group + name, step): value for name, value in line.items()})
    return found


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    run = pathlib.Path(sys.argv[1])
    accumulator = EventAccumulator(str(run), size_guidance={"scalars": 0})
    accumulator.Reload()
    read = {}
    for tag in accumulator.Tags()["scalars"]:
        for event in accumulator.Scalars(tag):
            if (tag, event.step) in read:
                sys.exit(f"check_events: TensorBoard has step {event.step} of {tag} twice")
            read[tag, event.step] = event.value
    wanted = figures(run)
    if not wanted:
        sys.exit(f"check_events: {run} has no values")
    for place in sorted(wanted.keys() | read.keys()):
        if place not in read or place not in wanted:
            sys.exit(f"check_events: {place[0]} of step {place[1]} is only in " + ("the run's lines", "TensorBoard")[place in read])
        single = struct.unpack("f", struct.pack("f", wanted[place]))[0]
        if not (read[place] == single or math.isnan(read[place]) and math.isnan(single)):
            sys.exit(f"check_events: {place[0]} of step {place[1]} is {read[place]}, expected {single}")
    print(f"TensorBoard reads all {len(read)} values of {len({tag for tag, _ in read})} curves as written")


main()
