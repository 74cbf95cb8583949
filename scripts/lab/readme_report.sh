#!/usr/bin/env bash
# Makes docs/images/report.png, the README's picture of a run's report, in headless Chromium. It shows accuracies, views,
# nearest neighbours and loss, but no times, which depend on the machine. Run it after the quickstart:
#   scripts/quickstart.sh && scripts/lab/readme_report.sh runs/quickstart
#   scripts/lab/readme_report.sh RUN [PICTURE]      wants Debian's chromium and pngquant
set -euo pipefail
[[ $# == 1 || $# == 2 ]] || { echo "usage: scripts/lab/readme_report.sh RUN [PICTURE]" >&2; exit 2; }
width=1080 height=1212 scale=1.2 most=200000  # CSS pixels, pixels in one of them, bytes
page=$1/report.html picture=${2:-$(dirname "$0")/../../docs/images/report.png}
[[ -s $page ]] || { echo "readme_report: there is no $page" >&2; exit 1; }
for program in chromium pngquant; do
  command -v $program >/dev/null || { echo "readme_report: no $program here: apt-get install $program" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$page" "$work/page.html"
cat >>"$work/page.html" <<'END'
<style>
h2 { margin: 22px 0 10px; } h2 + .quiet { display: none; }
.row { display: grid; grid-template-columns: auto 1fr; gap: 14px; } 
.row .card { height: 336px; overflow: hidden; box-sizing: border-box; }
</style>
<script>
const main = document.querySelector('main');
const sections = [[]];  // of the page's parts: each heading with what follows it
for (const part of main.children) {
  if (part.tagName === 'H2') sections.push([]);
  sections.at(-1).push(part);
}
const section = found => sections.find(parts => parts.some(part => part.matches(found) || part.querySelector(found))) ?? [];
const [head, results, views, neighbours, loss] =
  [sections[0], section('.bars'), section('.views'), section('.neighbours'), section('.wide')];
const row = document.createElement('div');
row.className = 'row';
for (const parts of [views, neighbours]) row.appendChild(document.createElement('div')).append(...parts);
main.replaceChildren(...head, ...results, row, ...loss);
const tiles = [...document.querySelectorAll('.tile')], cards = [...document.querySelectorAll('.card:has(.bars)')];
for (const part of [...tiles.slice(4), cards[1], ...cards.slice(3),  // of the classifiers: kNN and L-BFGS
                    ...document.querySelectorAll('.charts, .card.wide')]) part?.remove();
</script>
END
timeout 120 chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" \
  --blink-settings=preferredColorScheme=1 --window-size=$width,$height --force-device-scale-factor=$scale \
  --screenshot="$work/page.png" "file://$work/page.html" >"$work/log" 2>&1 ||
  { tail -n 3 "$work/log" >&2; echo "readme_report: chromium failed, see above" >&2; exit 1; }
pngquant --force --strip --speed 1 --output "$picture" 256 "$work/page.png"
bytes=$(stat -c %s "$picture")
((bytes <= most)) || { echo "readme_report: $picture has $bytes bytes, expected at most $most" >&2; exit 1; }
echo "readme_report: $picture, $bytes bytes"
