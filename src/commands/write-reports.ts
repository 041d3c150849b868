import { extname, resolve } from 'node:path';
import { replaceFile } from '../io/output.js';
import { MobyPatchError } from '../model/error.js';
import type { Report } from '../model/report.js';
import { renderMarkdown } from '../report/markdown.js';
import type { CommandContext } from './context.js';

const renderers: Readonly<Record<string, (report: Report) => string>> = {
  '.json': (report) => `${JSON.stringify(report, null, 2)}\n`,
  '.md': renderMarkdown,
};

/** Refuses, before anything is done, a file whose ending names no kind of report: `report-unknown` (`invalid`). */
export function checkReportKinds(files: readonly string[]): void {
  for (const file of files) findRenderer(file);
}

/** Writes the report in the form that each file's ending asks for. */
export async function writeReports(
  report: Report,
  files: readonly string[],
  context: CommandContext,
): Promise<void> {
  for (const file of files) await replaceFile(resolve(context.folder, file), findRenderer(file)(report));
}

function findRenderer(file: string): (report: Report) => string {
  const render = renderers[extname(file)];
  if (render !== undefined) return render;
  throw new MobyPatchError('invalid', 'report-unknown', `no report is written as "${extname(file)}"`, {
    path: file,
    hint: `use ${Object.keys(renderers).join(' or ')}`,
  });
}
