import { showPath } from '../format/path.js';
import type { Layout } from '../model/layout.js';
import type { Report } from '../model/report.js';
import { type Check, listChecks } from './checks.js';
import { renderBootconfig, renderDifference, summarizeDiff } from './diff.js';
import { type Markup, mark, markLines } from './markup.js';
import { listSegments, segmentColumns } from './segments.js';
import { describeCached, showSeconds } from './text.js';

type Cell = string | number | Markup;

/** A package manager's run may have tens of thousands, too many for a browser. */
const mostDifferences = 5000;

export function listImageSections(report: Report): Markup[] {
  const { before, after, output, engine, mode, plan, manifest, boot } = report;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['output', output],
    ['manifest', manifest],
    ['before', before && `${before.size} bytes, sha256 ${before.sha256}`],
    ['after', after && `${after.size} bytes, sha256 ${after.sha256}`],
    ['engine', engine && `${engine.name}: ${engine.reason}`],
    ['mode', mode && `${mode.name}: ${mode.reason}`],
    ['plan', plan?.id],
    ['console', boot?.console],
  ];
  const known = rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return [
    ...createSection('Build', createTable([], known)),
    ...createSection('Segments before', createSegmentTable(before)),
    ...createSection(
      'Segments after',
      after?.sha256 === before?.sha256 ? undefined : createSegmentTable(after),
    ),
  ];
}

function createSegmentTable(layout: Layout | undefined): Markup | undefined {
  return createTable(segmentColumns, layout === undefined ? [] : listSegments(layout));
}

export function listCheckSections(report: Report): Markup[] {
  const rows = listChecks(report).map(({ stage, name, result, note = '', seconds }: Check): Cell[] => [
    mark`<span class="${result}">${result}</span>`,
    stage,
    name,
    note,
    seconds === undefined ? '' : showSeconds(seconds * 1000),
  ]);
  return [
    ...createSection('Checks', createTable(['', 'stage', 'check', 'found', 'time'], rows)),
    ...createSection('Warnings', createList(report.warnings)),
  ];
}

export function listStepSections({ plan, steps, failed }: Report): Markup[] {
  const patches = (plan?.patches ?? []).map(({ id, title, sha256, parameters }) => [
    id,
    title,
    Object.entries(parameters)
      .map(([name, value]) => `${name}=${value}`)
      .join(', '),
    sha256,
  ]);
  const done = steps.map(({ patch, summary, changed, cached, proven, notes, durationMs }): Cell[] => [
    patch,
    [summary, ...notes].join('; '),
    cached ? describeCached(proven) : changed ? 'done' : 'already done',
    showSeconds(durationMs),
  ]);
  const left = (plan?.steps ?? []).slice(steps.length).map(({ patch, summary, cached, proven }): Cell[] => {
    const state = cached ? describeCached(proven) : 'to be done';
    return [patch, summary, failed ? 'not done' : state, ''];
  });
  const packages = steps.flatMap((step) =>
    Object.entries(step.packages).map(([name, version]) => [name, version, step.patch]),
  );
  return [
    ...createSection('Patches', createTable(['patch', 'title', 'parameters', 'sha256'], patches)),
    ...createSection('Steps', createTable(['patch', 'step', '', 'time'], [...done, ...left])),
    ...createSection('Packages', createTable(['package', 'version', 'patch'], packages)),
  ];
}

export function listBootSections({ boot }: Report): Markup[] {
  if (boot === undefined) return [];
  const rows = [
    ['verdict', boot.verdict],
    ['reason', boot.reason ?? ''],
    ['reached', boot.reached],
    ['machine', `${boot.accelerator}, ${boot.seconds.toFixed(1)} s`],
    ...boot.warnings.map((warning) => ['console', warning]),
  ].filter(([, value]) => value !== '');
  return [
    ...createSection('Boot', createTable([], rows)),
    ...createSection(
      'End of the console',
      boot.tail.length === 0 ? undefined : mark`<pre>${markLines(boot.tail)}</pre>\n`,
    ),
  ];
}

export function listChangeSections({ diff }: Report): Markup[] {
  if (diff === undefined || diff.differences.length + (diff.bootconfig?.length ?? 0) === 0) return [];
  const rows = diff.differences.slice(0, mostDifferences).map((difference): Cell[] => {
    const { what, text } = renderDifference(difference);
    const lines = text.length === 0 ? [] : mark`<pre>${markLines(text)}</pre>`;
    return [difference.kind, showPath(difference.path === '' ? '.' : difference.path), mark`${what}${lines}`];
  });
  const more = diff.differences.length - rows.length;
  if (more > 0) rows.push(['', '', `and ${more} more: a .json report has all of them`]);
  const count = summarizeDiff(diff);
  for (const line of renderBootconfig(diff)) rows.push(['bootconfig', '', line]);
  const open = rows.length > 100 ? '' : ' open="open"';
  const table = createTable(['', 'path', 'what'], rows) ?? [];
  return createSection(
    'Changes',
    mark`<details${{ markup: open }}><summary>${count}</summary>\n${table}</details>\n`,
  );
}

export function listTimeSections({ stages, durationMs }: Report): Markup[] {
  const rows = Object.entries(stages).map(([stage, ms]): Cell[] => {
    const share = Math.round((100 * ms) / Math.max(durationMs, ms, 1));
    return [stage, showSeconds(ms), mark`<span class="bar" style="width: ${share}%"></span>`];
  });
  const all: Cell[] = ['in all', showSeconds(durationMs), ''];
  return createSection('Time', createTable(['stage', 'time', ''], rows.length === 0 ? [] : [...rows, all]));
}

/** `undefined` without rows. Without `head`, the first cell of each row is its head. */
function createTable(head: readonly string[], rows: readonly (readonly Cell[])[]): Markup | undefined {
  if (rows.length === 0) return undefined;
  const heads =
    head.length === 0
      ? []
      : mark`<thead><tr>${head.map((name) => mark`<th scope="col">${name}</th>`)}</tr></thead>\n`;
  const body = rows.map(
    (row) =>
      mark`<tr>${row.map((cell, column) => createCell(cell, head.length === 0 && column === 0))}</tr>\n`,
  );
  return mark`<table>\n${heads}<tbody>\n${body}</tbody>\n</table>\n`;
}

function createCell(cell: Cell, isHead: boolean): Markup {
  if (isHead) return mark`<th scope="row">${cell}</th>`;
  if (typeof cell === 'number') return mark`<td class="number">${cell}</td>`;
  return mark`<td>${cell}</td>`;
}

function createList(texts: readonly string[]): Markup | undefined {
  return texts.length === 0 ? undefined : mark`<ul>\n${texts.map((text) => mark`<li>${text}</li>\n`)}</ul>\n`;
}

/** A titled part of the page; none without content. */
function createSection(title: string, content: Markup | undefined): Markup[] {
  return content === undefined ? [] : [mark`<h2>${title}</h2>\n${content}`];
}
