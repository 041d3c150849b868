import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { replaceFile } from '../../io/place/output.js';
import type { FileAccess } from '../../model/access.js';
import { createErrorReport, type ErrorReport, MobyPatchError } from '../../model/error/error.js';
import type { NamedOutput } from '../../model/place.js';
import type { Report } from '../../model/result/report.js';
import { createReportDraft } from '../../report/draft.js';
import type { CommandContext } from './context.js';
import { printError } from './errors.js';
import { findRenderer } from './find-renderer.js';
import type { ReportFlags } from './options.js';

/**
 * Refuses, before the work begins, reports that could not be written after it. Errors (`invalid`): `report-unknown`
 * for a file whose ending names no kind of report, `output-unwritable` for a folder that does not exist.
 */
export async function checkReports(files: readonly string[], context: CommandContext): Promise<void> {
  if (files.length === 0) return;
  const renderers = await loadRenderers();
  for (const file of files) {
    findRenderer(renderers, file);
    const folder = dirname(resolve(context.folder, file));
    if ((await stat(folder).catch(() => undefined))?.isDirectory()) continue;
    throw new MobyPatchError('invalid', 'output-unwritable', `there is no folder ${folder}`, {
      path: file,
      hint: 'create its folder first',
    });
  }
}

/** For the work to refuse reports in the place of its input. */
export function nameReports(files: readonly string[] = [], { folder }: CommandContext): NamedOutput[] {
  const hint = 'give another file: --report FILE';
  return files.map((file) => ({ path: resolve(folder, file), what: 'the report', hint }));
}

/** Changed lines take one more pass over both images, and only a page or JSON has a place for them. */
export function hasTexts(files: readonly string[] = []): boolean {
  return files.some((file) => /\.(html|json)$/i.test(file));
}

/** Most builds write no report, and pages are long. */
const loadRenderers = async () => (await import('../../report/renderers.js')).renderers;

interface ReportAccess {
  readonly access?: FileAccess | undefined;
}

/** Writes the report to each file, in the form that its ending names; `access`: who may read the image. */
async function writeReports(
  { report, access }: ReportAccess & { readonly report: Report },
  files: readonly string[],
  context: CommandContext,
): Promise<void> {
  if (files.length === 0) return;
  const renderers = await loadRenderers();
  const inputs = access === undefined ? [] : [access];
  const spared = listSpared([report.error]);
  for (const file of files) {
    const path = resolve(context.folder, file);
    if (!spared.has(path)) await replaceFile(path, findRenderer(renderers, file)(report), inputs);
  }
}

/**
 * Does the work and writes its report, also when the work fails: the last one that `onReport` got, with the error
 * that followed it, or one with the error alone. `image`: the name of the input until it is found.
 */
export async function withReports<T>(
  {
    image = 'the configured image',
    report: files = [],
  }: ReportFlags & {
    readonly image?: string | readonly string[];
  },
  context: CommandContext,
  work: (onReport: (report: Report, outcome?: ReportAccess) => void) => Promise<T>,
): Promise<T> {
  await checkReports(files, context);
  const draft = createReportDraft([image].flat().join(' + '), () => {});
  let last: Report | undefined;
  let access: FileAccess | undefined;
  let result: T;
  try {
    result = await work((report, outcome) => {
      last = report;
      access = outcome?.access;
    });
  } catch (error) {
    const report = { ...(last ?? draft.report()), failed: true, error: createErrorReport(error) };
    // The first error is the one to throw; the second is only printed.
    await writeReports({ report, access }, files, context).catch((second) =>
      printError(context, createErrorReport(second), second),
    );
    throw error;
  }
  await writeReports({ report: last ?? draft.report(), access }, files, context);
  return result;
}

/** The inputs in whose place something would have been written. */
export function listSpared(errors: readonly (ErrorReport | undefined)[]): ReadonlySet<string | undefined> {
  const all = errors.flatMap((error) => (error === undefined ? [] : [error, ...(error.problems ?? [])]));
  return new Set(all.filter(({ code }) => code === 'output-is-input').map(({ path }) => path));
}
