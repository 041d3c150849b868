import { createErrorReport, type ErrorReport, exitCodes, MobyPatchError } from '../../model/error.js';
import { renderError } from '../../report/text.js';
import type { CommandContext } from './context.js';
import { printJson, shortenPaths } from './print.js';

/** Says what went wrong on standard error, and with `--json` as a value on standard output. */
export async function fail(context: CommandContext, error: unknown, json = false): Promise<void> {
  const report = createErrorReport(error);
  explain(context, report);
  if (json && report.code !== outputClosed) await printJson(context, { failed: true, error: report });
}

const outputClosed = 'output-closed';

/** Whoever reads us stopped reading: `moby-patch ls IMAGE | head` is no error, and there is nobody to tell. */
export function createOutputClosedError(): MobyPatchError {
  return new MobyPatchError('interrupted', outputClosed, 'the reader of the output is gone');
}

export function explain(context: CommandContext, report: ErrorReport): void {
  if (report.code === outputClosed) return;
  context.stderr.write(shortenPaths(context, `${renderError(report)}\n`));
  context.setExitCode(exitCodes[report.kind]);
}
