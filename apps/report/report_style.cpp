#include "apps/report/report.h"

namespace apps {

const char* const report_style = R"css(
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1b1f24; --quiet: #5d6773; --rule: #e1e5ea;
  --main: #2563c9; --band: #2563c926; --floor: #9aa4b1; --alert: #b4540a; --cell: 37, 99, 201;
  --p0: #2563c9; --p1: #0e8f83; --p2: #c08412; --p3: #b0468c; --p4: #6a5acd; --p5: #7b8794; --p6: #a0522d; }
@media (prefers-color-scheme: dark) { :root {
  --page: #14171b; --card: #1d2127; --ink: #e8ebef; --quiet: #9aa5b2; --rule: #313842;
  --main: #6ea8ff; --band: #6ea8ff2e; --floor: #66717e; --alert: #f0a35e; --cell: 110, 168, 255;
  --p0: #6ea8ff; --p1: #4cc3b5; --p2: #e0b052; --p3: #dd86c0; --p4: #a598ff; --p5: #8b97a5; --p6: #d8946a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 36px 0 12px; }
.quiet { color: var(--quiet); margin: 0 0 12px; }
.card, .tile, figure.chart { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
.card { padding: 16px 18px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-top: 20px; }
.tile { padding: 12px 16px; }
.tile b { display: block; font-size: 25px; line-height: 1.25; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile span { color: var(--quiet); font-size: 13px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr)); gap: 12px; }
figure { margin: 0; }
figure.chart { padding: 12px 14px 6px; }
figcaption { font-weight: 600; font-size: 14px; margin-bottom: 4px; }
.wide { margin-bottom: 12px; }
svg { display: block; width: 100%; height: auto; }
.narrow-screen { display: none; }
.grid { stroke: var(--rule); stroke-width: 1; }
.tick, .label, .reference-label { fill: var(--quiet); font-size: 11.5px; font-variant-numeric: tabular-nums; }
.band { fill: var(--band); }
.line { fill: none; stroke: var(--main); stroke-width: 1.8; stroke-linejoin: round; }
.point { fill: var(--main); }
.band.other { fill: none; }
.line.other { stroke: var(--p2); }
.point.other { fill: var(--p2); }
.legend .main { background: var(--main); }
.legend .other { background: var(--p2); }
circle.k0, circle.k1, circle.k2, circle.k3, circle.k4, circle.k5, circle.k6, circle.k7, circle.k8, circle.k9 { fill-opacity: 0.75; }
.k0 { fill: #4e79d7; background: #4e79d7; } .k1 { fill: #e8833a; background: #e8833a; } .k2 { fill: #d64f4f; background: #d64f4f; }
.k3 { fill: #3fa7a0; background: #3fa7a0; } .k4 { fill: #57a64a; background: #57a64a; } .k5 { fill: #d9b02c; background: #d9b02c; }
.k6 { fill: #a46cc4; background: #a46cc4; } .k7 { fill: #ee7fa6; background: #ee7fa6; } .k8 { fill: #a0714f; background: #a0714f; }
.k9 { fill: #8a94a3; background: #8a94a3; }
.reference { stroke: var(--alert); stroke-width: 1.4; stroke-dasharray: 6 4; }
.reference-label { fill: var(--alert); }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 7px 12px; align-items: center; }
.bars .track { height: 18px; background: var(--page); border-radius: 4px; overflow: hidden; }
.bars .track i { display: block; height: 100%; background: var(--floor); }
.bars .ours i { background: var(--main); }
.bars .ours { font-weight: 600; }
.bars .number { text-align: right; font-variant-numeric: tabular-nums; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 430px), 1fr)); gap: 12px; }
.two h3 { margin: 0 0 10px; font-size: 15px; }
.phases { display: flex; height: 26px; border-radius: 6px; overflow: hidden; gap: 2px; }
.phases i { display: block; min-width: 2px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 10px 0 0; padding: 0; list-style: none; font-size: 13px; }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px; }
.scroll { overflow-x: auto; }
.pixels { image-rendering: pixelated; display: block; border-radius: 4px; }
.views { max-width: 100%; height: auto; }
.neighbours { border-collapse: separate; border-spacing: 6px 8px; }
.neighbours td, .neighbours th { padding: 0; font-size: 12px; line-height: 1.3; text-align: center; font-weight: 400; vertical-align: top; }
.neighbours img { width: 64px; height: 64px; margin: 0 auto 3px; border: 3px solid transparent; border-radius: 6px; }
.neighbours .same img { border-color: var(--p1); }
.neighbours .other img { border-color: var(--alert); }
.neighbours .query { padding-right: 14px; font-weight: 600; }
.neighbours .other { color: var(--alert); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.confusion { font-size: 12.5px; }
.confusion th { font-weight: 400; color: var(--quiet); text-align: right; padding: 2px 8px 2px 0; }
.confusion thead th { vertical-align: bottom; text-align: center; padding: 0 2px 4px; }
.confusion thead span { writing-mode: vertical-rl; transform: rotate(180deg); }
.confusion .corner { font-size: 11px; }
.confusion td { min-width: 42px; padding: 0; height: 28px; text-align: center; background: rgba(var(--cell), var(--part)); border: 1px solid var(--card); }
.confusion td.dark { color: var(--card); }
.facts { width: 100%; font-size: 14px; }
.facts th { text-align: left; font-weight: 400; color: var(--quiet); padding: 3px 14px 3px 0; white-space: nowrap; vertical-align: top; }
.facts td { padding: 3px 0; overflow-wrap: anywhere; }
@media (max-width: 560px) { .narrow-screen { display: block; } .wide-screen { display: none; } main { padding: 18px 12px 40px; } h1 { font-size: 21px; } .card { padding: 12px; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 8px; } .tile b { font-size: 21px; } .neighbours img { width: 46px; height: 46px; }
  .neighbours { border-spacing: 3px 8px; } .confusion { font-size: 11px; } .confusion th { padding-right: 5px; } .confusion td { min-width: 22px; height: 24px; } }
)css";

}  // namespace apps
