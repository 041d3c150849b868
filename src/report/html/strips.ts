import type { Layout, Segment } from '../../model/image/layout.js';
import type { Report } from '../../model/result/report.js';
import { type Markup, mark } from '../markup.js';
import { listSegments, segmentColumns } from '../segments.js';
import { shorten } from '../shorten.js';
import { showSeconds } from '../text.js';
import { type Cell, createBreaks, createTable, showResult } from './tables.js';
import { showBytes } from './tiles.js';

/** The segments of a file as a strip, each as wide as its share of the bytes, and as a table. */
export function createSegments(title: string, layout: Layout | undefined): Markup[] {
  if (layout === undefined) return [];
  const shares = layout.segments.map((segment, index): Share => {
    const size = segment.end - segment.offset;
    const codec = segment.kind === 'cpio' ? `(${segment.compression.codec}) ` : '';
    return {
      className: index === layout.root ? 'root' : nameKind(segment),
      size,
      title: `${segment.kind} ${codec}${showBytes(size)}`,
    };
  });
  const parts = shorten(shares, uniteShares).map(({ className, size, title: text }) =>
    createPart(className, size, text),
  );
  const rows = shorten(listSegments(layout), ({ length }) => [`${length} more`]);
  const name = `Segments: ${title}`;
  const [, ...columns] = segmentColumns.slice(0, -1);
  const head = [{ unseen: 'kind' }, ...columns, { unseen: 'remarks' }];
  const table = createTable({ name, head, rows }) ?? [];
  return [mark`<h3>${title}</h3>\n${createStrip(name, parts)}${table}`];
}

interface Share {
  readonly className: string;
  /** Bytes. */
  readonly size: number;
  readonly title: string;
}

function uniteShares(shares: readonly Share[]): Share {
  const size = shares.reduce((sum, share) => sum + share.size, 0);
  return { className: 'other', size, title: `${shares.length} more segments ${showBytes(size)}` };
}

function nameKind({ kind }: Segment): string {
  return kind === 'bootconfig' ? 'other' : kind;
}

/** The stages of a run one after the other, each as wide as its share of the time. */
export function createTimes({ stages, durationMs }: Report): Markup | undefined {
  const known = Object.entries(stages);
  if (known.length === 0) return undefined;
  const name = (index: number) => `stage-${index % 5}`;
  const parts = known.map(([stage, ms], index) => createPart(name(index), ms, `${stage} ${showSeconds(ms)}`));
  const legend = known.map(
    ([stage, ms], index) => mark`<span><i class="${name(index)}"></i>${stage} ${showSeconds(ms)}</span>\n`,
  );
  return mark`${createStrip('Time of each stage', parts)}<div class="legend">\n${legend}<span>in all ${showSeconds(durationMs)}</span>\n</div>\n`;
}

/** The stages of a boot one after the other, and a table with what the console showed of each. */
export function createBootTimes({ boot }: Report): Markup[] {
  if (boot === undefined || boot.stages.length === 0) return [];
  const reached = boot.stages.flatMap((stage) =>
    stage.seconds === undefined ? [] : [{ ...stage, seconds: stage.seconds }],
  );
  const ordered = [...reached].sort((a, b) => a.seconds - b.seconds);
  const colours = new Map(ordered.map(({ name }, index) => [name, `stage-${index % 5}`]));
  const parts = ordered.map(({ name, seconds }, index) => {
    const share = Math.max(0, seconds - (ordered[index - 1]?.seconds ?? 0));
    return createPart(colours.get(name) ?? '', share, `${name} after ${seconds.toFixed(1)} s`);
  });
  // As they came; what was not reached is last.
  const unreached = boot.stages.filter(({ seconds }) => seconds === undefined);
  const rows = [...ordered, ...unreached].map(({ name, state, seconds, line }): Cell[] => {
    const colour = colours.get(name);
    const swatch = colour === undefined ? [] : mark`<i class="${colour}"></i>`;
    return [
      showResult(results[state], state),
      mark`<span class="swatch">${swatch}</span>${createBreaks(name)}`,
      seconds === undefined ? '' : mark`<span>${seconds.toFixed(1)} s</span>`,
      line ?? '',
    ];
  });
  const head = [{ unseen: 'result' }, { plain: 'stage' }, 'after', { plain: 'what it showed' }];
  const table = createTable({ name: 'Boot', head, rows }) ?? [];
  return [mark`<h3>Boot</h3>\n${createStrip('Time of the boot', parts)}${table}`];
}

const results = { reached: 'passed', failed: 'failed', 'not reached': 'skipped' } as const;

/** The table or the legend below it says the same in words. */
function createStrip(name: string, parts: readonly Markup[]): Markup {
  return mark`<div class="strip" role="img" aria-label="${name}, in words below">${parts}</div>\n`;
}

function createPart(className: string, share: number, title: string): Markup {
  return mark`<span class="${className}" style="flex: ${share} 0 0" title="${title}"></span>`;
}
