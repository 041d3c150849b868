import type { Report } from '../../model/result/report.js';
import { mark } from '../markup.js';
import { filterScript, scriptDigest } from './filter.js';
import { listSections } from './sections.js';
import { style } from './style.js';
import { renderSection } from './tables.js';
import { createTiles, describeVerdict } from './tiles.js';

/** One page for light and dark screens. Its policy forbids external resources, and every script but the filter. */
export function renderHtml(report: Report): string {
  const verdict = describeVerdict(report);
  const sections = listSections(report);
  const links = sections.map(({ id, title }) => mark`<a href="#${id}">${title}</a>\n`);
  const { markup } = mark`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src '${scriptDigest}'" />
<meta name="color-scheme" content="light dark" />
<title>${report.input}: ${verdict.text}</title>
<style>
${{ markup: style }}</style>
</head>
<body>
<header>
<h1>${report.input}</h1>
<span class="badge ${verdict.name}">${verdict.text}</span>
</header>
<nav aria-label="Parts of this page">
${links}</nav>
<main>
${createTiles(report)}${sections.map(renderSection)}</main>
<script>${{ markup: filterScript }}</script>
</body>
</html>
`;
  return markup;
}
