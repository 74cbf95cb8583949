#!/usr/bin/env python3
"""Draws the accuracies of a study: scripts/lab/study_chart.py STUDY.json PICTURE.svg [TITLE [LABELS]]

STUDY.json is what `dyad compare --json` has written. A row is one combination of options: a dot for the mean of the
kNN accuracy, a bar of one standard deviation to either side, and a small mark for each seed. LABELS, separated by
semicolons, name the rows; by default their options do.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import json
import math
import sys
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, MARGIN, LEFT, ROW, TOP = 640, 16, 250, 24, 62  # pixels

STYLE = """
  .page { fill: #ffffff; stroke: #d0d7de; }
  text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #424a53; }
  .title { font-size: 16px; font-weight: 600; fill: #1f2328; }
  .grid { stroke: #d8dee4; }
  .bar { stroke: #1f6feb; stroke-width: 2; }
  .mean { fill: #1f6feb; }
  .seed { stroke: #8c959f; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #30363d; }
    text { fill: #b1bac4; }
    .title { fill: #f0f6fc; }
    .grid { stroke: #30363d; }
    .bar { stroke: #58a6ff; }
    .mean { fill: #58a6ff; }
    .seed { stroke: #8b949e; }
  }"""


def text(x, y, content, kind="", anchor="start"):
  return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(content)}</text>'


def line(x1, y1, x2, y2, kind):
  return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def rows_of(study):
  """(label, mean, deviation, values of the seeds), in percent; a row without an accuracy is left out."""
  for row in study["rows"]:
    values = [100 * run["knn"] for run in row["runs"] if run["knn"] is not None]
    if not values: continue
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1)) if len(values) > 1 else 0
    yield ", ".join(row["options"].values()), mean, spread, values


def draw(study, title, labels):
  rows = list(rows_of(study))
  if labels and len(labels) != len(rows): sys.exit(f"study_chart: {len(labels)} labels, expected {len(rows)}")
  if not rows: sys.exit("study_chart: no row has an accuracy")
  least = min(min(v) for _, _, _, v in rows) - 1
  most = max(max(v) for _, _, _, v in rows) + 1
  step = next(s for s in (1, 2, 5, 10, 20) if (most - least) / s <= 8)
  least, most = step * math.floor(least / step), step * math.ceil(most / step)
  place = lambda v: LEFT + (WIDTH - MARGIN - 40 - LEFT) * (v - least) / (most - least)
  bottom = TOP + ROW * len(rows)
  out = [text(MARGIN, 28, title, "title"), text(MARGIN, 48, "kNN accuracy, % of the test images; mean, deviation, seeds")]
  for v in range(int(least), int(most) + 1, step):
    out += [line(place(v), TOP, place(v), bottom, "grid"), text(place(v), bottom + 16, str(v), anchor="middle")]
  for i, (label, mean, spread, values) in enumerate(rows):
    y, label = TOP + ROW * (i + 0.5), labels[i] if labels else label
    out += [text(LEFT - 10, y + 4, label, anchor="end"), line(place(mean - spread), y, place(mean + spread), y, "bar")]
    out += [line(place(v), y - 5, place(v), y + 5, "seed") for v in values]
    out += [f'<circle cx="{place(mean):.1f}" cy="{y:g}" r="4" class="mean"/>',
            text(WIDTH - MARGIN, y + 4, f"{mean:.1f}", anchor="end")]
  height = bottom + 28
  head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
          f'role="img" aria-label="{escape(title)}">')
  page = f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6" class="page"/>'
  return "\n".join([head, f"<style>{STYLE}\n</style>", page, *out, "</svg>"]) + "\n"


if __name__ == "__main__":
  if not 3 <= len(sys.argv) <= 5: sys.exit("study_chart: expected STUDY.json PICTURE.svg [TITLE [LABELS]]; --help says more")
  source, picture, *more = sys.argv[1:]
  title, labels = (*more, "", "")[:2]
  study = json.loads(Path(source).read_text("utf-8"))
  Path(picture).write_text(draw(study, title or Path(source).stem, labels.split(";") if labels else []), "utf-8")
