import { showPath } from '../format/path.js';
import type { ErrorReport } from '../model/error/error.js';

/** Where and what, then the hint on a line of its own. */
export function renderError(error: ErrorReport): string {
  return `moby-patch: ${listLines(error).join('\n')}`;
}

function listLines(error: ErrorReport): string[] {
  if (error.problems !== undefined) {
    const lines = error.problems.flatMap(listLines).map((line) => line.replaceAll(/^/gm, '  '));
    return [`${error.problems.length} problems, found before the first step [${error.code}]`, ...lines];
  }
  const offset = error.offset === undefined ? '' : ` (at byte ${error.offset})`;
  const lines = [`${placeMessage(error)}${offset} [${error.code}]`];
  if (error.hint) lines.push(`  try: ${error.hint}`);
  return lines;
}

/** The message, with the path in front where it does not say what it is about. */
export function placeMessage({ path, message }: ErrorReport): string {
  return path === undefined || isNamed(path, message) ? message : `${showPath(path)}: ${message}`;
}

/** Whether a message says what it is about. A plain word such as `initrd` may stand there for something else. */
function isNamed(path: string, message: string): boolean {
  if (/[./]/.test(path)) return message.includes(path);
  const subject = /^[^:]*(?=:)/.exec(message)?.[0] ?? '';
  return message.startsWith(`${path} `) || subject === path || subject.endsWith(` ${path}`);
}
