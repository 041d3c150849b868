import { showPath } from '../format/path.js';
import type { ErrorReport } from '../model/error.js';

/** Where and what, then the hint on a line of its own. */
export function renderError(error: ErrorReport): string {
  return `moby-patch: ${listLines(error).join('\n')}`;
}

function listLines(error: ErrorReport): string[] {
  if (error.problems !== undefined) {
    const lines = error.problems.flatMap(listLines).map((line) => `  ${line}`);
    return [`${error.problems.length} problems, found before the first step [${error.code}]`, ...lines];
  }
  const place =
    error.path === undefined || error.message.includes(error.path) ? '' : `${showPath(error.path)}: `;
  const offset = error.offset === undefined ? '' : ` (at byte ${error.offset})`;
  const lines = [`${place}${error.message}${offset} [${error.code}]`];
  if (error.hint) lines.push(`  try: ${error.hint}`);
  return lines;
}
