import { mark } from '../markup.js';
import { filterScript, scriptDigest } from './filter.js';
import { style } from './style.js';
import { renderSection, type Section } from './tables.js';
import { renderTiles, type Tile, type Verdict } from './tiles.js';

interface Page {
  readonly title: string;
  readonly verdict: Verdict;
  readonly tiles: readonly Tile[];
  readonly sections: readonly Section[];
}

/** One page for light and dark screens. Its policy forbids external resources, and every script but the filter. */
export function renderShell({ title, verdict, tiles, sections }: Page): string {
  const links = sections.map(({ id, title: text }) => mark`<a href="#${id}">${text}</a>\n`);
  const { markup } = mark`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src '${scriptDigest}'" />
<meta name="color-scheme" content="light dark" />
<title>${title}: ${verdict.text}</title>
<style>
${{ markup: style }}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<span class="badge ${verdict.name}">${verdict.text}</span>
</header>
<nav aria-label="Parts of this page">
${links}</nav>
<main>
${renderTiles(tiles)}${sections.map(renderSection)}</main>
<script>${{ markup: filterScript }}</script>
</body>
</html>
`;
  return markup;
}
