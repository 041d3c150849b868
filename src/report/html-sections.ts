import { showPath } from '../format/path.js';
import type { Layout } from '../model/layout.js';
import type { Report } from '../model/report.js';
import { type Check, listChecks } from './checks.js';
import { type Cell, createList, createSection, createTable } from './html-table.js';
import { type Markup, mark, markLines } from './markup.js';
import { renderDifference } from './text.js';

/** Of a package manager's run there may be tens of thousands; a browser has to hold them all. */
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
    ...createSection('Segments before', listSegments(before)),
    ...createSection('Segments after', after?.sha256 === before?.sha256 ? undefined : listSegments(after)),
  ];
}

function listSegments(layout: Layout | undefined): Markup | undefined {
  const rows = (layout?.segments ?? []).map((segment, index): Cell[] => {
    const { offset, end, kind, compression, unpacked, entries, members, trailer } = segment;
    const isArchive = kind === 'cpio';
    const remarks = [
      ...(index === layout?.root ? ['patches go here'] : []),
      ...(members > 1 ? [`${members} members`] : []),
      ...(isArchive && !trailer ? ['no TRAILER'] : []),
    ];
    const inside = isArchive ? [compression.codec, unpacked, entries] : ['', '', ''];
    return [kind, offset, end, end - offset, ...inside, remarks.join(', ')];
  });
  return createTable(['', 'offset', 'end', 'size', 'codec', 'unpacked', 'entries', ''], rows);
}

export function listCheckSections(report: Report): Markup[] {
  const rows = listChecks(report).map(({ stage, name, result, note = '', seconds }: Check): Cell[] => [
    mark`<span class="${result}">${result}</span>`,
    stage,
    name,
    note,
    seconds === undefined ? '' : mark`${seconds.toFixed(1)} s`,
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
  const done = steps.map(({ patch, summary, changed, cached, notes, durationMs }): Cell[] => [
    patch,
    [summary, ...notes].join('; '),
    cached ? 'cached by an earlier build' : changed ? 'done' : 'already so',
    mark`${(durationMs / 1000).toFixed(1)} s`,
  ]);
  const left = (plan?.steps ?? []).slice(steps.length).map(({ patch, summary, cached }): Cell[] => {
    const state = cached ? 'cached by an earlier build' : 'to be done';
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
  if (diff === undefined || diff.differences.length === 0) return [];
  const rows = diff.differences.slice(0, mostDifferences).map((difference): Cell[] => {
    const { what, text } = renderDifference(difference);
    const lines = text.length === 0 ? [] : mark`<pre>${markLines(text)}</pre>`;
    return [difference.kind, showPath(difference.path === '' ? '.' : difference.path), mark`${what}${lines}`];
  });
  const more = diff.differences.length - rows.length;
  if (more > 0) rows.push(['', '', `and ${more} more: a .json report has all of them`]);
  const count = `${diff.added} added, ${diff.changed} changed, ${diff.removed} removed`;
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
    return [
      stage,
      mark`${(ms / 1000).toFixed(1)} s`,
      mark`<span class="bar" style="width: ${share}%"></span>`,
    ];
  });
  const all: Cell[] = ['in all', mark`${(durationMs / 1000).toFixed(1)} s`, ''];
  return createSection('Time', createTable(['stage', 'time', ''], rows.length === 0 ? [] : [...rows, all]));
}
