import { showPath } from '../format/path.js';
import type { BootResult } from '../model/boot.js';
import type { Difference, TreeDiff } from '../model/diff.js';
import type { ErrorReport } from '../model/error.js';
import type { Layout, Segment } from '../model/layout.js';
import type { Report } from '../model/report.js';

/** `what`, where, and what to do, on lines of their own. */
export function renderError(error: ErrorReport): string {
  const place =
    error.path === undefined || error.message.includes(error.path) ? '' : `${showPath(error.path)}: `;
  const offset = error.offset === undefined ? '' : ` (at byte ${error.offset})`;
  const lines = [`moby-patch: ${place}${error.message}${offset} [${error.code}]`];
  if (error.hint) lines.push(`  try: ${error.hint}`);
  return lines.join('\n');
}

export function renderReport(report: Report): string[] {
  const { before, after, engine, mode, diff, boot, output } = report;
  const lines = [
    `${report.failed ? 'FAILED' : 'done'} in ${showSeconds(report.durationMs)}: ${report.input}${output === undefined ? '' : ` -> ${output}`}`,
  ];
  if (before !== undefined) lines.push(`  before   ${showLayout(before)}`);
  if (after !== undefined)
    lines.push(
      `  after    ${showLayout(after)}${after.sha256 === before?.sha256 ? ' (the same, bit for bit)' : ''}`,
    );
  if (engine !== undefined) lines.push(`  engine   ${engine.name}: ${engine.reason}`);
  if (mode !== undefined) lines.push(`  mode     ${mode.name}: ${mode.reason}`);
  for (const step of report.steps) {
    const when = step.cached ? 'cached by an earlier build' : showSeconds(step.durationMs);
    lines.push(`  step     ${step.patch}: ${step.summary}${step.changed ? '' : ' (already so)'}, ${when}`);
    const packages = Object.entries(step.packages).map(([name, version]) => `${name} ${version}`);
    if (packages.length > 0)
      lines.push(
        `           ${packages.length} packages: ${packages.slice(0, 6).join(', ')}${packages.length > 6 ? ', ...' : ''}`,
      );
    lines.push(...step.notes.map((note) => `           ${note}`));
  }
  if (diff !== undefined)
    lines.push(`  changes  ${diff.added} added, ${diff.changed} changed, ${diff.removed} removed`);
  lines.push(...report.warnings.map((warning) => `  warning  ${warning}`));
  if (boot !== undefined) lines.push(...renderBoot(boot));
  else if (!report.failed && after !== undefined) lines.push('  boot     not booted');
  if (report.manifest !== undefined) lines.push(`  manifest ${report.manifest}`);
  lines.push(
    `  stages   ${Object.entries(report.stages)
      .map(([stage, ms]) => `${stage} ${showSeconds(ms ?? 0)}`)
      .join(', ')}`,
  );
  return lines;
}

export function renderBoot(boot: BootResult): string[] {
  const verdict = boot.verdict === 'passed' ? `passed: ${boot.reached} reached` : `REFUSED: ${boot.reason}`;
  return [
    `  boot     ${verdict} in ${boot.seconds.toFixed(1)} s (${boot.accelerator})`,
    ...boot.expectations.map(
      ({ expectation, met, found }) =>
        `  expected ${met ? 'yes' : 'NO '} ${'console' in expectation ? expectation.console : expectation.file}: ${found}`,
    ),
    ...boot.warnings.map((warning) => `  console  ${warning}`),
    `  console  ${boot.console}`,
  ];
}

export function renderDiff(diff: TreeDiff): string[] {
  const signs = { added: '+', removed: '-', changed: '~' } as const;
  return diff.differences.flatMap((difference) => {
    const { kind, path, type } = difference;
    const { what, text } = renderDifference(difference);
    const shown = kind === 'changed' ? `  ${what}` : type === 'file' ? '' : ` (${what})`;
    return [
      `${signs[kind]} ${showPath(path === '' ? '.' : path)}${shown}`,
      ...text.map((line) => `    ${line}`),
    ];
  });
}

/** In what an entry differs, or what it is; the changed lines of its text. */
export function renderDifference({ kind, type, fields, text = [] }: Difference): {
  readonly what: string;
  readonly text: readonly string[];
} {
  const changes = fields.map(({ field, before, after }) =>
    field === 'content' ? 'content' : `${field} ${showValue(before)} -> ${showValue(after)}`,
  );
  return { what: kind === 'changed' ? changes.join(', ') : type, text: text.map(showControls) };
}

/** Names of one file stand on lines of their own. */
function showValue(value: string): string {
  return showControls(value.replaceAll('\n', ' = '));
}

/** A file's text must not move a terminal's cursor. */
export function showControls(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return line.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (character) => showPath(character));
}

export function renderSegments(layout: Layout): string[] {
  const rows = layout.segments.map((segment, index) => describeSegment(segment, index === layout.root));
  return formatTable(
    [['', 'offset', 'end', 'size', 'codec', 'unpacked', 'entries', ''], ...rows],
    [1, 2, 3, 5, 6],
  );
}

function describeSegment(segment: Segment, root: boolean): string[] {
  const { kind, offset, end, compression, unpacked, entries, members, trailer } = segment;
  const remarks = [
    root ? 'patches go here' : '',
    members > 1 ? `${members} members` : '',
    kind === 'cpio' && !trailer ? 'no TRAILER' : '',
  ];
  const inside = kind === 'cpio' ? [compression.codec, String(unpacked), String(entries)] : ['', '', ''];
  return [
    kind,
    String(offset),
    String(end),
    String(end - offset),
    ...inside,
    remarks.filter((remark) => remark !== '').join(', '),
  ];
}

/** Columns padded to their widest cell; those listed in `right` are numbers. */
export function formatTable(rows: readonly (readonly string[])[], right: readonly number[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        right.includes(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

function showLayout(layout: Layout): string {
  const archives = layout.segments.filter((segment) => segment.kind === 'cpio');
  const entries = archives.reduce((sum, segment) => sum + segment.entries, 0);
  return `${layout.size} bytes, ${archives.length} ${archives.length === 1 ? 'archive' : 'archives'}, ${entries} entries, sha256 ${layout.sha256.slice(0, 16)}`;
}

function showSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
