import type { Report } from '../model/report.js';
import { renderError } from './error.js';
import {
  listBootSections,
  listChangeSections,
  listCheckSections,
  listImageSections,
  listStepSections,
  listTimeSections,
} from './html-sections.js';
import { mark, markLines } from './markup.js';

/** The colours of results have a contrast of at least 4.5:1 on both backgrounds. */
const style = `:root { color-scheme: light dark; --text: #1c2024; --back: #fff; --line: #d5d9de; --soft: #f3f5f7; --good: #176639; --bad: #b3261e; --dim: #5b636d; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e7ea; --back: #15181b; --line: #3a4047; --soft: #1f2429; --good: #7bd29b; --bad: #ff9a8f; --dim: #a4adb7; } }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; unicode-bidi: isolate; }
th { font-weight: 600; color: var(--dim); white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
pre { font-family: ui-monospace, monospace; font-size: 13px; }
pre { background: var(--soft); padding: .6rem .8rem; overflow-x: auto; white-space: pre-wrap; }
.passed { color: var(--good); } .failed, .error { color: var(--bad); } .skipped { color: var(--dim); }
pre.error { color: var(--text); border-left: 4px solid var(--bad); }
summary { cursor: pointer; }
.bar { display: block; height: .7rem; background: var(--dim); min-width: 1px; }
@media print { body { max-width: none; } }
`;

/** One page for light and dark screens, without scripts or external resources, which its policy forbids too. */
export function renderHtml(report: Report): string {
  const verdict = describeVerdict(report);
  const { markup } = mark`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
<meta name="color-scheme" content="light dark" />
<title>${report.input}: ${verdict.text}</title>
<style>
${{ markup: style }}</style>
</head>
<body>
<h1>${report.input} <span class="${verdict.name}">${verdict.text}</span></h1>
${report.error === undefined ? [] : mark`<pre class="error">${markLines(renderError(report.error).split('\n'))}</pre>\n`}${[
  ...listImageSections(report),
  ...listCheckSections(report),
  ...listStepSections(report),
  ...listBootSections(report),
  ...listChangeSections(report),
  ...listTimeSections(report),
]}</body>
</html>
`;
  return markup;
}

function describeVerdict({ failed, boot, after }: Report): { name: string; text: string } {
  if (boot?.verdict === 'refused') return { name: 'failed', text: 'boot refused' };
  if (failed) return { name: 'failed', text: 'failed' };
  if (boot !== undefined) return { name: 'passed', text: 'done and booted' };
  return { name: 'skipped', text: after === undefined ? 'done' : 'done, not booted' };
}
