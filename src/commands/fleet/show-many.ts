import { resolve } from 'node:path';
import { replaceFile } from '../../io/place/output.js';
import type { Renderers } from '../../report/renderers.js';
import type { CommandContext } from '../shared/context.js';
import { findRenderer } from '../shared/find-renderer.js';
import type { ReportFlags } from '../shared/options.js';
import { printJson, printLines, shortenPaths } from '../shared/print.js';

interface ManyForms<Report> {
  readonly renderers: Renderers<Report>;
  /** For a person. */
  readonly lines: (report: Report) => readonly string[];
}

interface ManyFlags extends ReportFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Writes a report of many images to the files that the flags name, and shows it. */
export async function showMany<Report>(
  report: Report,
  { renderers, lines }: ManyForms<Report>,
  { flags, context }: { readonly flags: ManyFlags; readonly context: CommandContext },
): Promise<void> {
  for (const file of flags.report ?? [])
    await replaceFile(resolve(context.folder, file), findRenderer(renderers, file)(report), []);
  if (flags.json) await printJson(context, report);
  else if (!flags.quiet)
    await printLines(
      context,
      lines(report).map((line) => shortenPaths(context, line)),
    );
}
