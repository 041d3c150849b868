import { showPath } from '../format/path.js';
import type { ErrorReport } from '../model/error.js';

/** Where and what, then the hint on a line of its own. */
export function renderError(error: ErrorReport): string {
  const place =
    error.path === undefined || error.message.includes(error.path) ? '' : `${showPath(error.path)}: `;
  const offset = error.offset === undefined ? '' : ` (at byte ${error.offset})`;
  const lines = [`moby-patch: ${place}${error.message}${offset} [${error.code}]`];
  if (error.hint) lines.push(`  try: ${error.hint}`);
  return lines.join('\n');
}
