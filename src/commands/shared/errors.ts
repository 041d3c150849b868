import { inspect } from 'node:util';
import {
  createErrorReport,
  type ErrorReport,
  exitCodes,
  findMachineFault,
  MobyPatchError,
} from '../../model/error/error.js';
import { renderError } from '../../report/error.js';
import type { CommandContext } from './context.js';
import { printJson, shortenPaths } from './print.js';
import { talk } from './talk.js';

const outputClosed = 'output-closed';

/** Ends the program without a message: `moby-patch ls IMAGE | head` is no error. */
export function createOutputClosedError(): MobyPatchError {
  return new MobyPatchError('interrupted', outputClosed, 'the reader of the output is gone');
}

/** Standard output cannot be written: its disk is full, say. */
export function createOutputFault(cause: NodeJS.ErrnoException): MobyPatchError {
  const fault = findMachineFault(cause);
  const reason = fault?.reason ?? cause.code ?? cause.message;
  const message = `cannot write to standard output: ${reason}`;
  return new MobyPatchError('infrastructure', 'output-unwritable', message, { hint: fault?.hint, cause });
}

interface JsonFlag {
  readonly json?: boolean;
}

/** An action that prints its errors instead of throwing them. */
export function guard<Arguments extends readonly unknown[]>(
  context: CommandContext,
  action: (...args: Arguments) => Promise<void>,
) {
  return async (...args: Arguments): Promise<void> => {
    try {
      await action(...args);
      context.live?.leave();
    } catch (error) {
      context.live?.leave();
      const flags = args.find(
        (arg): arg is Arguments[number] & JsonFlag =>
          typeof arg === 'object' && arg !== null && 'json' in arg,
      );
      const report = createErrorReport(error);
      explain(context, report, error);
      if (flags?.json && report.code !== outputClosed)
        // Standard output may be what failed; standard error has it already.
        await printJson(context, { failed: true, error: report }).catch(() => {});
    }
  };
}

/** Prints an error on standard error and sets the exit code. */
export function explain(context: CommandContext, report: ErrorReport, error?: unknown): void {
  if (report.code === outputClosed) return;
  printError(context, report, error);
  context.setExitCode(exitCodes[report.kind]);
}

/** On standard error; a defect of the program with its stack. */
export function printError(context: CommandContext, report: ErrorReport, error?: unknown): void {
  talk(context, shortenPaths(context, renderError(report)));
  if (report.code === 'internal' && error !== undefined) talk(context, inspect(error).replace(/^/gm, '  '));
}
