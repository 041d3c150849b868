import { lstat, mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assertWritable } from '../../io/place/assert-writable.js';
import { createOutput, type Output } from '../../io/place/output.js';
import { MobyPatchError } from '../../model/error/error.js';
import type { ReadingSession } from '../../model/session.js';

export interface ProjectFile {
  /** From the project's folder. */
  readonly path: string;
  readonly text: string;
}

export interface WrittenFile extends ProjectFile {
  readonly state: 'written' | 'replaced' | 'would be written' | 'would be replaced';
}

interface WriteOptions {
  /** Whether existing files may be replaced. */
  readonly isForced: boolean;
  readonly isDry: boolean;
}

/**
 * Writes new files, all of them or none: each is complete beside its place before the first one is renamed, and a
 * failure removes the folders that were created. Errors: `init-exists` (`invalid`), `output-unwritable`.
 */
export async function writeProject(
  files: readonly ProjectFile[],
  { isForced, isDry }: WriteOptions,
  { signal, places: { folder } }: ReadingSession,
): Promise<WrittenFile[]> {
  const there = new Map<string, boolean>();
  for (const { path } of files) there.set(path, await exists(join(folder, path)));
  const found = [...there].flatMap(([path, isThere]) => (isThere ? [path] : []));
  if (found.length > 0 && !isForced)
    throw new MobyPatchError('invalid', 'init-exists', `found ${found.join(' and ')}; nothing was written`, {
      path: folder,
      hint: `moby-patch init --force replaces ${found.length === 1 ? 'it' : 'them'}`,
    });
  const states = isDry
    ? (['would be replaced', 'would be written'] as const)
    : (['replaced', 'written'] as const);
  if (!isDry) await writeAll(files, there, { folder, signal });
  return files.map((file) => ({ ...file, state: there.get(file.path) ? states[0] : states[1] }));
}

async function writeAll(
  files: readonly ProjectFile[],
  there: ReadonlyMap<string, boolean>,
  { folder, signal }: { readonly folder: string; readonly signal: AbortSignal },
): Promise<void> {
  const outputs: (Output & { readonly file: string; readonly isNew: boolean })[] = [];
  const folders: string[] = [];
  const published: string[] = [];
  try {
    for (const { path, text } of files) {
      const file = join(folder, path);
      folders.push(...(await makeFolders(dirname(file))));
      outputs.push({
        ...(await createOutput(encode(text), { destination: file, inputs: [], signal })),
        file,
        isNew: !there.get(path),
      });
    }
    for (const output of outputs) {
      await output.publish();
      if (output.isNew) published.push(output.file);
    }
  } catch (error) {
    for (const output of outputs) await output[Symbol.asyncDispose]();
    for (const file of published) await rm(file, { force: true });
    // Only when empty: another program may have put a file there since.
    for (const made of folders.reverse()) await rmdir(made).catch(() => {});
    throw error;
  }
}

/** The folders that it created, the outermost first. */
async function makeFolders(path: string): Promise<string[]> {
  const first = await mkdir(path, { recursive: true }).catch(async (error: NodeJS.ErrnoException) => {
    const cause = await assertWritable(path).then(
      () => error,
      (reason: NodeJS.ErrnoException) => reason,
    );
    throw new MobyPatchError('invalid', 'output-unwritable', `cannot make the folder: ${cause.code}`, {
      path,
      cause,
    });
  });
  const made: string[] = [];
  for (let each = path; first !== undefined && each.length >= first.length; each = dirname(each))
    made.unshift(each);
  return made;
}

async function* encode(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

/** A dangling link counts: the user put it there. */
function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
