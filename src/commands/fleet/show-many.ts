import { resolve } from 'node:path';
import { replaceFile } from '../../io/place/output.js';
import type { ErrorReport } from '../../model/error/error.js';
import type { Renderers } from '../../report/renderers.js';
import type { CommandContext } from '../shared/context.js';
import { findRenderer } from '../shared/find-renderer.js';
import type { ReportFlags } from '../shared/options.js';
import { printJson, printLines, shortenPaths } from '../shared/print.js';
import { listSpared } from '../shared/write-reports.js';

interface ManyForms<Report> {
  readonly renderers: Renderers<Report>;
  /** For a person. */
  readonly lines: (report: Report) => readonly string[];
  /** Of its images: one may say that a file would have replaced an input. */
  readonly errors?: readonly (ErrorReport | undefined)[];
}

interface ManyFlags extends ReportFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Writes a report of many images to the files that the flags name, and shows it. */
export async function showMany<Report>(
  report: Report,
  { renderers, lines, errors = [] }: ManyForms<Report>,
  { flags, context }: { readonly flags: ManyFlags; readonly context: CommandContext },
): Promise<void> {
  const spared = listSpared(errors);
  for (const file of flags.report ?? []) {
    const path = resolve(context.folder, file);
    if (!spared.has(path)) await replaceFile(path, findRenderer(renderers, file)(report), []);
  }
  if (flags.json) await printJson(context, report);
  else if (!flags.quiet)
    await printLines(
      context,
      lines(report).map((line) => shortenPaths(context, line)),
    );
}
