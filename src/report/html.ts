import type { Report } from '../model/report.js';
import {
  listBootSections,
  listChangeSections,
  listCheckSections,
  listImageSections,
  listStepSections,
  listTimeSections,
} from './html-sections.js';
import { style } from './html-style.js';
import { mark, markLines } from './markup.js';
import { renderError } from './text.js';

/**
 * One page that needs nothing else: no scripts, nothing from elsewhere, which its own policy forbids besides.
 * Readable in light and dark.
 */
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
