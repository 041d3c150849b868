import type { StepOutcome } from '../../model/patch.js';
import type { Workspace } from '../../model/workspace.js';
import { readText, unchanged, writeText } from './workspace-files.js';

/** The six fields of an fstab line, as they mean, not as they are escaped. */
export interface FstabLine {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options: string;
  readonly dump: number;
  readonly pass: number;
}

const path = 'etc/fstab';

/** Puts a line in the place of those with the same mount point, or at the end; the rest stays as it is. */
export async function putFstabLine(
  at: Workspace,
  line: FstabLine,
  fail: (message: string) => Error,
): Promise<StepOutcome> {
  const before = await readText(at, path);
  if (before === undefined && (await at.stat(path))) {
    throw fail(`${path}: found something that is not a UTF-8 text file, wanted one`);
  }
  const after = replaceLine(before ?? '', line);
  if (after === before) return unchanged;
  await writeText(at, path, after);
  return { changed: true, notes: [formatLine(line)] };
}

/** The text of an fstab with the line in it. */
export function replaceLine(text: string, line: FstabLine): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const formatted = formatLine(line);
  // "none" is the mount point of every swap space: the source tells those apart.
  const isOurs = (other: string) => {
    const [source, target] = other.trim().split(/\s+/);
    if (target === undefined || source?.startsWith('#')) return false;
    return target === escapeField(line.target) && (target !== 'none' || source === escapeField(line.source));
  };
  const first = lines.findIndex(isOurs);
  const kept = lines.filter((other, index) => index === first || !isOurs(other));
  if (first < 0) kept.push(formatted);
  else kept[first] = formatted;
  return `${kept.join('\n')}\n`;
}

function formatLine({ source, target, type, options, dump, pass }: FstabLine): string {
  const fields = [source, target, type, options].map(escapeField);
  return `${fields.join('\t')}\t${dump} ${pass}`;
}

/** getmntent(3) takes white space and backslashes in octal. */
function escapeField(text: string): string {
  return text.replace(/[ \t\n\\]/g, (found) => `\\${found.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
