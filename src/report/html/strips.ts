import type { Layout, Segment } from '../../model/layout.js';
import type { Report } from '../../model/report.js';
import { type Markup, mark } from '../markup.js';
import { listSegments, segmentColumns } from '../segments.js';
import { showSeconds } from '../text.js';
import { createTable } from './tables.js';
import { showBytes } from './tiles.js';

/** The segments of a file as a strip, each as wide as its share of the bytes, and as a table. */
export function createSegments(title: string, layout: Layout | undefined): Markup[] {
  if (layout === undefined) return [];
  const parts = layout.segments.map((segment, index) =>
    createPart(
      index === layout.root ? 'root' : nameKind(segment),
      segment.end - segment.offset,
      `${segment.kind} ${segment.kind === 'cpio' ? `(${segment.compression.codec}) ` : ''}${showBytes(segment.end - segment.offset)}`,
    ),
  );
  const table = createTable(segmentColumns, listSegments(layout)) ?? [];
  return [mark`<h3>${title}</h3>\n<div class="strip">${parts}</div>\n${table}`];
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
  return mark`<div class="strip">${parts}</div>\n<div class="legend">\n${legend}<span>in all ${showSeconds(durationMs)}</span>\n</div>\n`;
}

function createPart(className: string, share: number, title: string): Markup {
  return mark`<span class="${className}" style="flex: ${share} 0 0" title="${title}"></span>`;
}
