#!/usr/bin/env python3
"""Draws docs/images/speed.svg, the README's chart of training speed beside PyTorch: scripts/lab/readme_chart.py [--check]

Every figure is read from the tables of docs/benchmarks/cpu.md and h200.md. --check: writes nothing; exit code 1 if the
picture is not that of the tables.
"""

import print_help  # noqa: F401  (first: --help needs no package)

import re
import sys
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs/images/speed.svg"

# Pixels. Narrow, since the README shows it at half a page's width.
WIDTH, MARGIN, LEFT, UNIT = 560, 16, 142, 130  # UNIT: the length of PyTorch eager's bars
BAR, GAP, GROUP, HEADING = 12, 1, 9, 32        # heights; GROUP: the space below a group of bars

STYLE = """
  .page { fill: #ffffff; stroke: #d0d7de; }
  text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #424a53;
         stroke: #ffffff; stroke-width: 3px; paint-order: stroke; }
  .title { font-size: 18px; font-weight: 600; fill: #1f2328; }
  .heading, .ratio { font-weight: 600; fill: #1f2328; }
  .heading { font-size: 14px; }
  .small { font-size: 12px; }
  .dyad { fill: #1f6feb; }
  .eager { fill: #8c959f; }
  .compile { fill: #c0c7cf; }
  .one { stroke: #57606a; stroke-dasharray: 3 3; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #30363d; }
    text { fill: #b1bac4; stroke: #0d1117; }
    .title, .heading, .ratio { fill: #f0f6fc; }
    .dyad { fill: #58a6ff; }
    .eager { fill: #7d8590; }
    .compile { fill: #484f58; }
    .one { stroke: #8b949e; }
  }"""


def fail(what):
  sys.exit(f"readme_chart: {what}")


def blocks(page):
  """The page's paragraphs and tables in order: (text, None) or (None, rows of cells)."""
  for block in re.split(r"\n\s*\n", (ROOT / page).read_text("utf-8")):
    if block.startswith("|"):
      yield None, [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
    else:
      yield block, None


def number(cell):
  return float(re.match(r"[\d.,]+", cell).group(0).replace(",", ""))


def ratio(cell):
  """"2.22x" of "**2.22x** (2.08-2.42)"."""
  return re.search(r"[\d.]+x", cell).group(0)


def cpu_groups():
  """Tables of rows `PyTorch eager`, `PyTorch torch.compile`, `dyad`; processor and instruction set stand before them."""
  page, groups, processor, isa = "docs/benchmarks/cpu.md", [], "", ""
  for text, rows in blocks(page):
    if text is not None:
      processor = ([processor] + re.findall(r"Zen \d|Xeon", text))[-1]
      isa = (re.findall(r"AVX-512|AVX2", text) or [isa])[0]
    elif rows[0][1:2] == ["images/s"]:
      for name, speed, faster, *_ in rows[2:]:
        isa = (re.findall(r"AVX-512|AVX2|bf16", name) or [isa])[0]
        if "eager" in name:
          group = {"label": f"{processor}, {isa}", "eager": number(speed), "ratio": ratio(faster)}
        elif "compile" in name:
          group |= {"compile": number(speed), "compile ratio": ratio(faster)}
        else:
          groups.append(group | {"dyad": number(speed)})
  if not groups: fail(f"{page} has no table of images/s")
  return sorted(groups, key=lambda group: group["label"].split(",")[0], reverse=True)


def gpu_groups():
  """The table of columns step, dyad, PyTorch eager, its ratio, torch.compile, its ratio."""
  page, groups, model = "docs/benchmarks/h200.md", [], ""
  for _, rows in blocks(page):
    if rows is None or rows[0][:3] != ["step", "dyad", "PyTorch eager"]: continue
    for step, dyad, eager, faster, compiled, compile_ratio in rows[2:]:
      model = (re.findall(r"ResNet-\d+", step) or [model])[0]
      precision = re.search(r"bf16|f32|TF32", step.removesuffix("without TF32")).group(0)
      kind = ", deterministic" if "deterministic" in step else "" if model == "ResNet-18" else f", {model}"
      group = {"label": precision + kind, "order": ["bf16", "TF32", "f32"].index(precision), "dyad": number(dyad),
               "eager": number(eager), "ratio": ratio(faster)}
      if compiled: group |= {"compile": number(compiled), "compile ratio": ratio(compile_ratio)}
      groups.append(group)
  if not groups: fail(f"{page} has no table of steps beside PyTorch")
  return sorted(groups, key=lambda group: group["order"])


def text(x, y, content, kind="", anchor="start"):
  return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(content)}</text>'


def bar(y, kind, group):
  """A bar and its label: images/s, and dyad's ratio to PyTorch eager or to torch.compile."""
  length = UNIT * group[kind] / group["eager"]
  speed = f'<tspan class="small">{group[kind]:,.0f}'
  note = {"dyad": f'<tspan class="ratio">{group["ratio"]}</tspan> {speed}</tspan>', "eager": f"{speed}</tspan>",
          "compile": f'{speed} (dyad {group.get("compile ratio")})</tspan>'}[kind]
  return (f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="1.5" class="{kind}"/>',
          f'<text x="{LEFT + length + 6:.1f}" y="{y + BAR - 2}">{note}</text>')


def draw():
  out, x, y = [text(MARGIN, 30, "A training step, images per second", "title")], MARGIN, 52
  for kind, name, width in (("dyad", "dyad", 74), ("eager", "PyTorch eager = 1", 158), ("compile", "torch.compile", 0)):
    out += [f'<rect x="{x}" y="{y - 10}" width="{BAR}" height="{BAR}" rx="1.5" class="{kind}"/>', text(x + 17, y, name)]
    x += width
  y += 8
  for heading, groups in (("Two CPU cores, ResNet-18 (CIFAR), f32 where not said", cpu_groups()),
                          ("One NVIDIA H200, ResNet-18 (CIFAR)", gpu_groups())):
    y += HEADING
    out.append(text(MARGIN, y - 10, heading, "heading"))
    top, bars = y - 4, []
    for group in groups:
      kinds = [kind for kind in ("dyad", "eager", "compile") if kind in group]
      middle = y + (len(kinds) * (BAR + GAP) - GAP) / 2 + 4
      out.append(text(LEFT - 10, middle, group["label"], anchor="end"))
      for kind in kinds:
        bars.append(bar(y, kind, group))
        y += BAR + GAP
      y += GROUP
    out.append(f'<line x1="{LEFT + UNIT}" y1="{top}" x2="{LEFT + UNIT}" y2="{y - GROUP + 4}" class="one"/>')
    out += [label for _, label in bars] + [shape for shape, _ in bars]  # bars over the outlines of letters
  height = y + 6
  head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
          f'aria-label="Training speed of dyad beside PyTorch on CPUs and on an H200">')
  page = f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8" class="page"/>'
  return "\n".join([head, f"<style>{STYLE}\n</style>", page, *out, "</svg>"]) + "\n"


def main():
  picture = draw()
  if sys.argv[1:] == ["--check"]:
    if PICTURE.read_text("utf-8") != picture: fail(f"{PICTURE.relative_to(ROOT)} is not that of the tables: run without --check")
  elif sys.argv[1:]:
    sys.exit("usage: scripts/lab/readme_chart.py [--check]")
  else:
    PICTURE.write_text(picture, "utf-8")


main()
