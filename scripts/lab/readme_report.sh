#!/usr/bin/env bash
# Makes docs/images/report.png, the README's picture of a run's report, in headless Chromium. It shows accuracies, loss, the
# map of the features and nearest neighbours, but no times, which depend on the machine. Run it after the quickstart:
#   scripts/quickstart.sh && scripts/lab/readme_report.sh runs/quickstart
#   scripts/lab/readme_report.sh RUN [PICTURE]      wants Debian's chromium and pngquant
set -euo pipefail
. "$(dirname "$0")/../help.sh"
[[ $# == 1 || $# == 2 ]] || { echo "usage: scripts/lab/readme_report.sh RUN [PICTURE]" >&2; exit 2; }
width=1080 height=1330 scale=1.2 most=200000  # CSS pixels, pixels in one of them, bytes
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
main { padding-bottom: 20px; } h2 { margin-top: 24px; }
h2 + .quiet, .state, .classes { display: none; }
.results td:first-child { white-space: nowrap; }
.row { display: grid; grid-template-columns: 5fr 6fr; gap: 14px; align-items: stretch; }
.row > div { display: flex; flex-direction: column; } .row .card { flex: 1; } .map, .queries { grid-template-columns: 1fr; }
</style>
<script>
const parts = [[]];  // of the page: each heading with what follows it
for (const part of [...page.children]) {
  if (part.tagName === 'H2') parts.push([]);
  parts.at(-1).push(part);
}
const part = id => parts.find(list => list[0].id === id) ?? [];
const row = el('div', {class: 'row'}, ...['map-of-the-features', 'nearest-neighbours'].map(id => el('div', {}, ...part(id))));
page.replaceChildren(...parts[0], ...part('accuracy-of-the-features'), ...part('training').slice(0, 2), row);
for (const tile of [...document.querySelectorAll('.tile')].slice(4)) tile.remove();  // times, which depend on the machine
document.querySelector('.tiles').style.setProperty('--tiles', 4);
for (const line of [...document.querySelectorAll('.results tbody tr')].filter((_, i) => i % 2)) line.remove();
for (const query of [...document.querySelectorAll('.query')].filter((_, i) => i % 2)) query.remove();
drawAll();
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
