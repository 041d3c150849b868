import { createHash } from 'node:crypto';
import { mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { examineFile } from '../../io/file/examine-file.js';
import { replaceInPlace } from '../../io/place/replace-in-place.js';
import { createScratch } from '../../io/place/scratch.js';
import { MobyPatchError } from '../../model/error/error.js';

/** Lines of ours in a text file of the system, between two marks that allow to replace and remove them. */
export interface MarkedBlock {
  readonly name: string;
  readonly lines: readonly string[];
}

/** The text with the block in it once, in the place of an older block of the same name. */
export function putBlock(text: string, { name, lines }: MarkedBlock): string {
  const [begin, end] = createMarks(name);
  const block = `${[begin, ...lines, end].join('\n')}\n`;
  const old = locateBlock(text, name);
  if (old !== undefined) return text.slice(0, old.start) + block + text.slice(old.end);
  // Without a line break the last line would swallow the first mark.
  return text === '' || text.endsWith('\n') ? text + block : `${text}\n${block}`;
}

/** The text as it was before `putBlock`. */
export function dropBlock(text: string, name: string): string {
  const old = locateBlock(text, name);
  return old === undefined ? text : text.slice(0, old.start) + text.slice(old.end);
}

function locateBlock(text: string, name: string): { start: number; end: number } | undefined {
  const [begin, finish] = createMarks(name);
  const start = `\n${text}`.indexOf(`\n${begin}\n`);
  if (start < 0) return undefined;
  const last = text.indexOf(`\n${finish}`, start);
  // A block without an end counts as its first line only, so that no foreign line is removed.
  if (last < 0) return { start, end: start + begin.length + 1 };
  const end = last + finish.length + 1;
  return { start, end: text[end] === '\n' ? end + 1 : end };
}

function createMarks(name: string): readonly [string, string] {
  return [`# BEGIN moby-patch ${name}`, `# END moby-patch ${name}`];
}

interface TextReplacement {
  readonly path: string;
  /** What the file contained when the change was planned; undefined: it did not exist. */
  readonly before: string | undefined;
  /** Empty: the file is removed. */
  readonly after: string;
}

/** Replaces a text file as safely as an image, in a folder that is made where there is none. Errors: `image-changed` (`failed`), those of `replaceInPlace`. */
export async function replaceText(
  { path, before, after }: TextReplacement,
  signal: AbortSignal,
): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const existing = await examineFile(target);
  if (existing?.sha256 !== (before === undefined ? undefined : digest(before)))
    throw new MobyPatchError('failed', 'image-changed', 'another program wrote to the file', { path });
  if (after === '') return rm(target, { force: true });
  await mkdir(dirname(target), { recursive: true });
  await using scratch = await createScratch();
  const source = join(scratch.path, 'text');
  await writeFile(source, after);
  const replacement = { source, sha256: digest(after), target, signature: existing?.signature, what: 'file' };
  await replaceInPlace(replacement, signal);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
