import type { ErrorReport } from '../../model/error/error.js';
import type { Report } from '../../model/result/report.js';
import { type Check, listChecks } from '../checks.js';
import { renderBootconfig } from '../diff.js';
import { renderError } from '../error.js';
import { type Markup, mark, markLines } from '../markup.js';
import { showDifference, unsettledPrograms } from '../proof/stock.js';
import { describeCached, showSeconds } from '../text.js';
import { createChangeTree } from './change-tree.js';
import { markConsole } from './console.js';
import { createBootTimes, createSegments, createTimes } from './strips.js';
import { type Cell, createSection, createTable, type Section, showResult } from './tables.js';
import { createTreemaps } from './treemap.js';

/** What a reader must know, failures first, then what was done, then the details. */
export function listSections(report: Report): Section[] {
  const checks = listChecks(report);
  const isBroken = ({ result }: Check) => result === 'failed' || result === 'error';
  return [
    ...createSection(
      'What went wrong',
      [
        report.error && createError(report.error),
        createChecks('What failed', checks.filter(isBroken)),
        createCauses(report),
        createConsole(report),
      ],
      'trouble',
    ),
    ...createSection(
      'Warnings',
      [createList([...report.warnings, ...(report.boot?.warnings ?? [])])],
      'caution',
    ),
    ...createSection('Changes', [createChanges(report)]),
    ...createSection('Checks', [createChecks('Checks', checks)]),
    ...createSection('Steps', createSteps(report)),
    ...createSection('Packages', [createPackages(report)]),
    ...createSection('Bytes of the image', [...createTreemaps(report.usage), ...createLayouts(report)]),
    ...createSection('Time', [createTimes(report), ...createBootTimes(report)]),
    ...createSection('Stock and patched', createStock(report)),
    ...createSection('Origin', [createOrigin(report)]),
  ];
}

function createError(error: ErrorReport): Markup {
  return mark`<pre class="error">${markLines(renderError(error).split('\n'))}</pre>\n`;
}

function createCauses({ boot }: Report): Markup | undefined {
  const list = createList(boot?.causes ?? []);
  return list && mark`<h3>Likely</h3>\n${list}`;
}

function createConsole({ boot }: Report): Markup | undefined {
  if (boot === undefined || boot.tail.length === 0) return undefined;
  return mark`<h3>End of the console</h3>\n${markConsole(boot)}`;
}

function createChanges({ diff }: Report): Markup | undefined {
  if (diff === undefined) return undefined;
  const lines = renderBootconfig(diff);
  const bootconfig =
    lines.length === 0 ? [] : mark`<h3>Boot configuration</h3>\n<pre>${markLines(lines)}</pre>\n`;
  const tree = diff.differences.length === 0 ? [] : createChangeTree(diff);
  const isEmpty = lines.length + diff.differences.length === 0;
  return isEmpty ? undefined : mark`${tree}${bootconfig}`;
}

function createChecks(name: string, checks: readonly Check[]): Markup | undefined {
  const rows = checks.map(({ stage, name: check, result, note = '', seconds }): Cell[] => [
    showResult(result),
    stage,
    check,
    note,
    seconds === undefined ? '' : mark`<span>${showSeconds(seconds * 1000)}</span>`,
  ]);
  return createTable({
    name,
    head: [{ unseen: 'result' }, { plain: 'stage' }, { plain: 'check' }, 'found', 'time'],
    rows,
  });
}

function createSteps({ plan, steps, failed }: Report): (Markup | undefined)[] {
  const patches = (plan?.patches ?? []).map(({ id, title, sha256, parameters }): Cell[] => [
    id,
    title,
    Object.entries(parameters)
      .map(([name, value]) => `${name}=${value}`)
      .join(', '),
    sha256.slice(0, 16),
  ]);
  const done = steps.map(({ patch, summary, changed, cached, proven, notes, durationMs }): Cell[] => [
    patch,
    [summary, ...notes].join('; '),
    cached ? describeCached(proven) : changed ? 'done' : 'already done',
    mark`<span>${showSeconds(durationMs)}</span>`,
  ]);
  const left = (plan?.steps ?? []).slice(steps.length).map(({ patch, summary, cached, proven }): Cell[] => {
    const state = cached ? describeCached(proven) : 'to be done';
    return [patch, summary, failed ? 'not done' : state, ''];
  });
  const skipped = (plan?.skipped ?? []).map(({ patch, summary, reason }): Cell[] => [
    patch,
    summary,
    `left out: ${reason}`,
    '',
  ]);
  return [
    createTable({
      name: 'Steps',
      head: [{ plain: 'patch' }, { plain: 'step' }, { unseen: 'state' }, 'time'],
      rows: [...done, ...left, ...skipped],
    }),
    createTable({
      name: 'Patches',
      head: [{ plain: 'patch' }, { plain: 'title' }, 'parameters', 'sha256'],
      rows: patches,
    }),
  ];
}

function createPackages({ steps }: Report): Markup | undefined {
  const rows = steps.flatMap((step) =>
    Object.entries(step.packages).map(([name, version]) => [name, version, step.patch]),
  );
  return createTable({ name: 'Packages', head: [{ plain: 'package' }, { plain: 'version' }, 'patch'], rows });
}

function createLayouts({ before, after }: Report): Markup[] {
  // Of a plan, a boot, or a build without a patch: there is one image.
  if (after === undefined || after.sha256 === before?.sha256) return createSegments('the image', before);
  return [...createSegments('before', before), ...createSegments('after', after)];
}

function createStock({ stock: compared }: Report): (Markup | undefined)[] {
  if (compared === undefined) return [];
  const { stock, stages, services, unsettled, memory, errors } = compared;
  const seconds = { digits: 1, unit: ' s' };
  const rows: (readonly [string, string])[] = [
    ['verdict on the stock image', stock.verdict === 'passed' ? 'passed' : `refused: ${stock.reason}`],
    ...stages.map(({ name, stock, patched }) => [name, showDifference(stock, patched, seconds)] as const),
    ...(memory === undefined
      ? []
      : [
          [
            'memory in use',
            showDifference(memory.stock / 1024, memory.patched / 1024, { digits: 0, unit: ' MiB' }),
          ] as const,
        ]),
    ...(unsettled === true ? [['programs', unsettledPrograms] as const] : []),
  ];
  const changed = services.map(({ name, stock = 'absent', patched = 'absent' }) => [name, stock, patched]);
  return [
    createTable({
      name: 'Stock and patched',
      head: [{ unseen: 'what' }, { plain: 'stock and patched' }],
      rows,
    }),
    createTable({ name: 'Services', head: [{ plain: 'service' }, 'stock', 'patched'], rows: changed }),
    errors.length === 0
      ? undefined
      : mark`<h3>New errors on the console</h3>\n<pre>${markLines(errors)}</pre>\n`,
  ];
}

function createOrigin(report: Report): Markup | undefined {
  const { before, after, output, engine, mode, plan, manifest, boot } = report;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['input', report.input],
    ['output', output],
    ['manifest', manifest],
    ['console', boot?.console],
    ...(boot?.disks ?? []).map(
      ({ device, file, format }) =>
        ['disk', `${device}: ${file} (${format}), which stays as it was`] as const,
    ),
    ['before', before && `${before.size} bytes, sha256 ${before.sha256}`],
    ['after', after && `${after.size} bytes, sha256 ${after.sha256}`],
    ['engine', engine && `${engine.name}: ${engine.reason}`],
    ['mode', mode && `${mode.name}: ${mode.reason}`],
    ['plan', plan?.id],
  ];
  const known = rows.flatMap(([name, value]): Cell[][] =>
    value === undefined ? [] : [[name, { long: value }]],
  );
  return createTable({ name: 'Origin', head: [], rows: known });
}

function createList(texts: readonly string[]): Markup | undefined {
  return texts.length === 0 ? undefined : mark`<ul>\n${texts.map((text) => mark`<li>${text}</li>\n`)}</ul>\n`;
}
