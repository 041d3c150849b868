import type { Report } from '../model/result/report.js';

/** How the user names it. */
const standardOutput = '-';

/** The report of a build to standard output through the temporary file `passed`: it names no file that is gone. */
export function describeStreamed(report: Report, passed: string): Report {
  const { output, boot, error, ...rest } = report;
  const isPassed = (text: string | undefined) => text?.includes(passed) ?? false;
  return {
    ...rest,
    output: output === undefined ? undefined : standardOutput,
    manifest: undefined,
    boot: boot && { ...boot, console: 'not saved (-o FILE saves it)' },
    error: error && {
      ...error,
      message: error.message.replaceAll(passed, standardOutput),
      path: isPassed(error.path) ? standardOutput : error.path,
      hint: isPassed(error.hint) ? 'build to a file, which saves the console beside it: -o FILE' : error.hint,
    },
  };
}
