import type { StepOutcome } from '../../model/patch/patch.js';
import type { Workspace } from '../../model/patch/workspace.js';
import { createStepError, type StepContext } from './step-context.js';
import { readText, unchanged, writeText } from './workspace-files.js';

/** The six fields of a line of /etc/fstab, unescaped. */
export interface FstabLine {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options: string;
  readonly dump: number;
  readonly pass: number;
}

const path = 'etc/fstab';

/** Replaces the lines with the same mount point, or appends the line. All other lines stay as they are. */
export async function putFstabLine(
  workspace: Workspace,
  context: StepContext,
  line: FstabLine,
): Promise<StepOutcome> {
  const before = await readText(workspace, path);
  if (before === undefined && (await workspace.stat(path))) {
    throw createStepError(
      context,
      'fstab-unreadable',
      `${path}: found something that is not a UTF-8 text file, wanted one`,
    );
  }
  const after = replaceLine(before ?? '', line);
  if (after === before) return unchanged;
  await writeText(workspace, path, after);
  return { changed: true, notes: [formatLine(line)] };
}

function replaceLine(text: string, line: FstabLine): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const first = lines.findIndex((other) => isSameMount(other, line));
  const result = lines.filter((other, index) => index === first || !isSameMount(other, line));
  if (first < 0) result.push(formatLine(line));
  else result[first] = formatLine(line);
  return `${result.join('\n')}\n`;
}

/** Every swap space has the mount point "none"; swap spaces differ by their source. */
function isSameMount(written: string, line: FstabLine): boolean {
  const [source, target] = written.trim().split(/\s+/);
  if (target === undefined || source?.startsWith('#')) return false;
  return target === escapeField(line.target) && (target !== 'none' || source === escapeField(line.source));
}

function formatLine({ source, target, type, options, dump, pass }: FstabLine): string {
  const fields = [source, target, type, options].map(escapeField);
  return `${fields.join('\t')}\t${dump} ${pass}`;
}

/** getmntent(3) wants white space and backslashes in octal. */
function escapeField(text: string): string {
  return text.replace(/[ \t\n\\]/g, (match) => `\\${match.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
