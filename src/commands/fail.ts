import { createErrorReport, type ErrorReport, exitCodes } from '../model/error.js';
import { renderError } from '../report/text.js';
import type { CommandContext } from './context.js';
import { printJson } from './print.js';

/** Says what went wrong on standard error, and with `--json` as a value on standard output. */
export async function fail(context: CommandContext, error: unknown, json = false): Promise<void> {
  const report = createErrorReport(error);
  explain(context, report);
  if (json) await printJson(context, { failed: true, error: report });
}

export function explain(context: CommandContext, report: ErrorReport): void {
  context.stderr.write(`${renderError(report)}\n`);
  context.setExitCode(exitCodes[report.kind]);
}
