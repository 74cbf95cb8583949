#!/usr/bin/env python3
"""Writes the compact report of scripts/gpu_check.sh from the logs of its stages:
scripts/lab/gpu_report.py LOGS STAGE... --title TITLE --command COMMAND

LOGS holds STAGE.log, and STAGE.state (seconds, tab, result) once the stage has ended. The report names the machine and
the software, and has one row per stage with its counts, the tables of times, and the end of each failed stage's log.
"""

import argparse
import re
from pathlib import Path

LEAST_SHARE = 1.0  # a kernel gets a row from this percentage of a step on
END = 12           # lines shown of a failed stage's log


def found(pattern, lines):
  return [m for m in (re.search(pattern, line) for line in lines) if m]


def first(pattern, lines, default="unknown"):
  return next((m.group(1) for m in found(pattern, lines)), default)


def table(head, rows, align="--:"):
  if not rows: return []
  lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (head, *rows)]
  return [lines[0], "|---" + f"|{align}" * (len(head) - 1) + "|", *lines[1:]]


def facts(machine, build):
  """Where it ran: the stages machine and build."""
  card = first(r"^(NVIDIA .*)", machine, "none")
  libraries = [f"{m.group(1)} {m.group(2)}" for m in found(
    r"^  (compiler|oneDNN|MPI|CUDA|cuBLASLt|cuDNN|NCCL)  +(\d.*|gcc .*|clang .*|Open MPI .*)", build)]
  libraries += [m.group(0) for m in found(r"^torch .*", machine)]
  processor = first(r"model name\s*: (.*)", machine)
  return [["dyad", first(r"^dyad (.*)", build)], ["card", card],
          ["machine", ", ".join([processor] + [m.group(0) for m in found(r"^\d+ cores, .*", machine)])],
          ["libraries", ", ".join(libraries)]]


def summary(lines):
  """What a stage counted, in one line."""
  ctest = any("% tests passed" in line for line in lines)  # its log has the doctest lines of what failed only
  parts = [f"{m.group(3)} of {m.group(2)} {m.group(1)} passed" for m in
           found(r"\[doctest\] (test cases|assertions): +(\d+) \| +(\d+) passed", [] if ctest else lines)]
  for pattern in (r"(\d+ errors|\d+ hazards displayed.*)$", r"^(the first losses differ.*)", r"^(all \d+ losses are equal)",
                  r"^(\d+ passed, \d+ failed)$", r"^(\d+% tests passed.*)", r"^\s+\d+ - (\S+ \(.*\))", r"^(parity: .*)",
                  r"^(\w+ on \w+; a copy: .*)", r"^(\w+, \d+ images:|\d+ launches, .*)"):
    parts += [m.group(1) for m in found(pattern, lines)]
  steps = found(r"^step (\d+)/\1 .*", lines)
  if steps and any("top-1 of" in line for line in lines):
    parts.append(re.sub(r"  +", ", ", steps[-1].group(0)))
  return ", ".join(dict.fromkeys(parts)).replace(":,", ":")


def bench_ops(lines):
  out, rows, title = [], [], []
  head = ["op", "shape", "forward ms", "both ms", "GFLOP/s", "GB/s", "floor"]
  for line in [*lines, None]:
    if line is None or re.match(r"\w+ on \w+; a copy", line):
      if rows: out += title + table(head, rows) + [""]
      title, rows = [f"{line.split()[0]}:", ""] if line else [], []
    elif m := re.match(r"(\S.*?) +(\([\d,]+\)) +(~?[\d.]+) \([\d.-]+\)(?: +(~?[\d.]+) \([\d.-]+\))? +([\d. ]+?) +(\d+%)$", line):
      op, shape, forward, both, speeds, floor = m.groups("")
      rows.append([f"`{op}`", shape, forward, both, *(["", *speeds.split()][-2:]), floor])
  return out[:-1]


def bench_step(lines):
  phases, rows, times = [], [], {}
  for line in lines:
    if m := re.match(r"(.* a step); \d+ steps after", line):
      model, times = m.group(1), {}
    elif m := re.match(r"(\w+) +([\d.]+) +([\d.]+) +([\d.]+) +[\d.]+%$", line):
      phases += [m.group(1)] if m.group(1) not in phases else []
      times[m.group(1)] = m.group(2) if m.group(1) != "step" else f"{m.group(2)} ({m.group(3)}-{m.group(4)})"
    elif m := re.match(r"([\d.]+) images/s", line):
      rows.append((model, times, m.group(1)))
  phases.sort(key=lambda phase: phase == "step")
  return table(["ms, median (p5-p95)", *phases, "images/s"],
               [[model, *(times.get(phase, "") for phase in phases), speed] for model, times, speed in rows])


def tables(lines):
  """Tables that the log has, each after its name."""
  out = []
  for line in lines:
    if line.startswith("|") or re.match(r"(f32|TF32|bf16)[^|{]*$", line):
      out += ["", line, ""] if not line.startswith("|") else [line]
  return out if any(line.startswith("|") for line in out) else []


def kernel_times(lines):
  share = lambda line: float(m.group(1)) if (m := re.search(r"\| ([\d.]+)% \|", line)) else 100
  return [line for line in tables(lines) if share(line) >= LEAST_SHARE]


def learning(lines):
  rows = [[m.group(1), *re.split(r"  +", m.group(2))] for m in
          found(r"^(raw pixels|untrained encoder|trained encoder) +(.*)", lines)]
  head = found(r"^ {20,}(\S.*)", lines)
  return table(["top-1", *head[0].group(1).split()], rows) if head else []


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("logs", type=Path)
  parser.add_argument("--title", required=True)
  parser.add_argument("--command", required=True)
  parser.add_argument("stages", nargs="*")
  args = parser.parse_args()

  def log(stage):
    path = args.logs / f"{stage}.log"
    return path.read_text("utf-8", errors="replace").replace("\r", "\n").splitlines() if path.exists() else []

  def state(stage):
    path = args.logs / f"{stage}.state"
    return path.read_text().rstrip("\n").split("\t", 1) if path.exists() else ["", "running"]

  out = [f"# {args.title}", ""]
  out += table(["command", f"`{args.command}`"], facts(log("machine"), log("build")), "---") + [""]
  out += ["| stage | result | seconds | counts |", "|---|---|--:|---|"]
  for stage in args.stages:
    seconds, result = state(stage)
    counts = summary(log(stage)) if stage not in ("machine", "build", "pytorch", "pytorch_ops") else ""
    out.append(f"| {stage} | {result} | {seconds} | {counts} |")
  sections = {"bench_ops": bench_ops, "bench_step": bench_step, "pytorch_ops": tables, "pytorch": tables, "learning": learning,
              "kernel_times": kernel_times}
  for stage in args.stages:
    rows = sections[stage](log(stage)) if stage in sections else []
    if rows:
      note = f": kernels of {LEAST_SHARE:g} % and more" if stage == "kernel_times" else ""
      out += ["", f"## {stage}{note}", *([""] if rows[0] else []), *rows]
    if "FAILED" in state(stage)[1]:
      out += ["", f"## {stage}: the end of its log", "", "```", *log(stage)[-END:], "```"]
  print("\n".join(out))


main()
