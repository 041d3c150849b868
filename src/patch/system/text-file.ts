import type { StepOutcome } from '../../model/patch/patch.js';
import type { Put, Workspace } from '../../model/patch/workspace.js';
import { createStepError, type StepContext } from './step-context.js';
import { readText, unchanged, writeText } from './workspace-files.js';

/** One line of a text, with the line break that stands behind it: `\n`, `\r\n`, or nothing at the end of a file. */
export interface TextLine {
  readonly text: string;
  readonly end: string;
}

export function splitLines(text: string): readonly TextLine[] {
  return [...text.matchAll(/([^\n]*?)(\r?\n)|([^\n]+)$/g)].map(([, line, end = '', rest = '']) => ({
    text: line ?? rest,
    end,
  }));
}

/** The line break of a file: that of its first line. */
export function findLineBreak(lines: readonly TextLine[]): string {
  return lines[0]?.end || '\n';
}

/** A text whose lines all end with a line break. */
export function joinLines(lines: readonly TextLine[]): string {
  const lineBreak = findLineBreak(lines);
  return lines.map(({ text, end }) => text + (end || lineBreak)).join('');
}

/**
 * The text of a file; undefined when there is none. Error (`failed`): `text-unreadable`, when what is there is no
 * UTF-8 text file.
 */
export async function readTextFile(
  workspace: Workspace,
  context: StepContext,
  path: string,
): Promise<string | undefined> {
  const text = await readText(workspace, path);
  if (text !== undefined) return text;
  const entry = await workspace.stat(path);
  if (entry === undefined) return undefined;
  const followed = await workspace.follow(path);
  const found =
    followed === undefined
      ? `a symlink to ${entry.target}, where nothing is`
      : followed.type === 'file'
        ? 'bytes that are not UTF-8'
        : `a ${followed.type}`;
  throw createStepError(context, 'text-unreadable', `${path}: found ${found}, wanted a text file`);
}

interface Edit {
  readonly path: string;
  /** Gets the present text, which is empty where there is no file, and gives the new one. */
  readonly edit: (text: string) => string | Promise<string>;
  /** Mode and owner of a file that does not exist yet. */
  readonly create?: Pick<Put, 'mode' | 'uid' | 'gid'>;
}

/** Changes a text file. Mode and owner of an existing file stay, and so does a symlink that leads to it. */
export async function editFile(
  workspace: Workspace,
  context: StepContext,
  { path, edit, create }: Edit,
): Promise<StepOutcome> {
  const before = await readTextFile(workspace, context, path);
  const after = await edit(before ?? '');
  if (after === (before ?? '')) return unchanged;
  if (before === undefined && create !== undefined)
    await workspace.put({ path, type: 'file', ...create, content: new TextEncoder().encode(after) });
  else await writeText(workspace, path, after);
  return { changed: true };
}

/**
 * A text with one line that `isOurs` finds: the first of them becomes `line`, others go. Without one the line is added at
 * the end.
 */
export function setLine(text: string, line: string, isOurs: (text: string) => boolean): string {
  const lines = splitLines(text);
  const first = lines.findIndex((each) => isOurs(each.text));
  if (first < 0) return joinLines([...lines, { text: line, end: findLineBreak(lines) }]);
  const kept = lines.flatMap((each, index) => {
    if (index === first) return [{ ...each, text: line }];
    return isOurs(each.text) ? [] : [each];
  });
  const isSame = kept.length === lines.length && lines[first]?.text === line;
  return isSame ? text : joinLines(kept);
}

/** The outcome of several writes. */
export function combine(outcomes: readonly StepOutcome[], notes: readonly string[] = []): StepOutcome {
  const all = [...outcomes.flatMap((outcome) => outcome.notes ?? []), ...notes];
  return { changed: outcomes.some(({ changed }) => changed), ...(all.length > 0 && { notes: all }) };
}
